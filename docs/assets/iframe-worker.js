/* Search from disk. Browsers refuse workers to pages whose address is file:, so there the search
   runs in a hidden frame that behaves like one: messages both ways, importScripts, terminate. */
(function () {
  if (location.protocol !== "file:") return

  class IFrameWorker extends EventTarget {
    constructor(url) {
      super()
      this.waiting = []
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.appendChild(this.frame)
      const inner = this.frame.contentWindow
      inner.document.open()
      inner.document.write("<!doctype html><html><head></head><body></body></html>")
      inner.document.close()
      this.frame.contentWindow.postMessage = (data) => this.answer(data)
      this.frame.contentWindow.importScripts = (...sources) =>
        sources.reduce((done, source) => done.then(() => this.load(source)), Promise.resolve())
      this.load(url).then(() => {
        this.ready = true
        this.waiting.splice(0).forEach((data) => this.deliver(data))
      })
    }

    load(source) {
      const script = this.frame.contentDocument.createElement("script")
      script.src = new URL(source, location)
      return new Promise((done, failed) => {
        script.onload = done
        script.onerror = () => failed(new Error("cannot load " + source))
        this.frame.contentDocument.body.appendChild(script)
      })
    }

    deliver(data) {
      const inner = this.frame.contentWindow
      inner.dispatchEvent(new inner.MessageEvent("message", { data }))
    }

    answer(data) {
      setTimeout(() => {
        const event = new MessageEvent("message", { data })
        this.dispatchEvent(event)
        if (this.onmessage) this.onmessage(event)
      })
    }

    postMessage(data) {
      if (this.ready) setTimeout(() => this.deliver(data))
      else this.waiting.push(data)
    }

    terminate() {
      this.frame.remove()
    }
  }

  window.IFrameWorker = IFrameWorker
  window.Worker = IFrameWorker
})()
