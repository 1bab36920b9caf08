import { decode, digest, encode, explain, findHindrance, say, takeFragment } from "./browser.js";

const address = location.href;
const invitation = takeFragment();
const form = document.getElementById("passkey");
const button = form.querySelector("button");

async function call(path, options = {}) {
  const headers = { authorization: `Bearer ${invitation}`, "content-type": "application/json" };
  const answer = await fetch(`/api/v1${path}`, { ...options, headers });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.detail ?? result.title);
  return result;
}

async function makePasskey(name) {
  const me = await call("/me");
  const known = me.keys.filter((key) => key.assurance === "passkey" && key.revoked === null);
  const person = me.name ?? me.record.id;
  const made = await navigator.credentials.create({
    publicKey: {
      // The sha256 of the invitation, which works once and which only the server and this page know.
      challenge: await digest(new TextEncoder().encode(invitation)),
      rp: { id: location.hostname, name: "Muniment" },
      user: { id: new TextEncoder().encode(me.record.id), name: person, displayName: person },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { userVerification: "required", residentKey: "preferred" },
      excludeCredentials: known.map((key) => ({ type: "public-key", id: decode(key.public_key.split(" ")[2]) })),
      attestation: "none",
    },
  });
  const body = {
    id: encode(made.rawId),
    client_data: encode(made.response.clientDataJSON),
    attestation: encode(made.response.attestationObject),
    name: { salt: crypto.randomUUID(), text: name },
  };
  const receipt = await call("/passkeys", { method: "POST", body: JSON.stringify(body) });
  return { person, index: receipt.index };
}

async function submit(event) {
  event.preventDefault();
  button.disabled = true;
  say("Follow the instructions of your browser.");
  try {
    const { person, index } = await makePasskey(form.elements.name.value.trim());
    say(`Done: the passkey is enrolled for ${person}, entry ${index} of the log. You can close this page.`, "good");
  } catch (error) {
    say(explain(error), "bad");
    button.disabled = false;
  }
}

if (invitation.startsWith("mun_")) {
  document.getElementById("command").textContent = `muniment login '${address}'`;
  const hindrance = findHindrance();
  button.disabled = hindrance !== "";
  say(hindrance, "bad");
  form.addEventListener("submit", submit);
} else {
  button.disabled = true;
  say("This address has no invitation: ask an admin for one (muniment user invite).", "bad");
}
