(() => {
  // A page can send by WebRTC whatever its policy says: it has none of it, and no frame that would have it anew.
  for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCIceTransport", "RTCDataChannel"]) {
    Object.defineProperty(window, name, { value: undefined, writable: false, configurable: false });
  }
  const plain = (text) => String(text).replace(/srcdoc/gi, "nosrcdoc");
  window.trustedTypes?.createPolicy("default", {
    createHTML: (text, _type, sink) => (/srcdoc/i.test(sink ?? "") ? "" : plain(text)),
    createScript: (text) => text,
    createScriptURL: (text) => text,
  });
})();
