// What both pages need: base64url, the part behind the #, and a line that says how things stand.

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

// Read the part behind the #, and take it out of the address bar and the history.
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

// Why this browser can have no passkey here, or nothing.
export function findHindrance() {
  if (!window.isSecureContext) return "Passkeys need https, or localhost.";
  if (!window.PublicKeyCredential) return "This browser has no passkeys.";
  if (/^[\d.]+$|:/.test(location.hostname)) {
    return `Passkeys need a registry with a name: open it by its name, not as ${location.hostname}.`;
  }
  return "";
}

export function explain(error) {
  if (error.name === "NotAllowedError") return "It was cancelled, or took too long. You can try again.";
  if (error.name === "InvalidStateError") return "This device has a passkey for you already.";
  return error.message;
}
