// Shared by both pages: base64url, the fragment of the address, and the status line.

export function encode(bytes) {
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function decode(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

export async function digest(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

// Read the fragment, and remove it from the address bar and the history.
export function takeFragment() {
  const text = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  return text;
}

export function say(text, kind = "") {
  const line = document.getElementById("status");
  line.textContent = text;
  line.className = kind;
}

// Return why passkeys cannot work here; empty if they can.
export function findHindrance() {
  if (!window.isSecureContext) return "Passkeys need https, or localhost.";
  if (!window.PublicKeyCredential) return "This browser does not support passkeys.";
  if (/^[\d.]+$|:/.test(location.hostname)) {
    return `Passkeys need a host name: open the registry by its name, not as ${location.hostname}.`;
  }
  return "";
}

export function explain(error) {
  if (error.name === "NotAllowedError") return "It was cancelled or took too long. You can try again.";
  if (error.name === "InvalidStateError") return "This device already has a passkey for you.";
  return error.message;
}
