def as_in_tests():
    """The settings of JAX, in a process of its own: here, where importing needs none of them."""
    import tests.conftest  # noqa: F401
