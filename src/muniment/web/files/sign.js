import { decode, digest, encode, explain, findHindrance, say, takeFragment } from "./browser.js";

const STATEMENT = "application/vnd.in-toto+json";
const VERBS = { approve: "approve", reject: "reject", withdraw: "withdraw your decision about" };
const PROPOSAL_VERBS = {
  approve: "approve the proposal",
  reject: "reject the proposal",
  withdraw: "withdraw your decision about the proposal",
  "break-glass": "let take effect, in an emergency, the proposal",
};

// The claims that can be signed here, by type: what the signature does, and the facts to show.
const KINDS = {
  "https://muniment.dev/approval/v1": {
    describe: (predicate) => `${VERBS[predicate.decision]} ${predicate.version}`,
    list: (predicate) => ({
      "Version": predicate.version,
      "For the alias": predicate.alias,
      "Your role": predicate.role,
      "Meaning": predicate.meaning,
      "About the waiver": predicate.waiver,
      "Expires": predicate.expires ?? "never",
      "Evidence seen": String(predicate.evidence.length),
      "Policies": String(predicate.policies.length),
      "Time": predicate.time,
    }),
  },
  "https://muniment.dev/withdrawal/v1": {
    describe: (predicate) => `withdraw what you signed about ${predicate.version}`,
    list: (predicate) => ({ "Version": predicate.version, "Claim": predicate.claim, "Time": predicate.time }),
  },
  "https://muniment.dev/proposal-decision/v1": {
    describe: (predicate) => `${PROPOSAL_VERBS[predicate.decision]} ${predicate.proposal}`,
    list: (predicate) => ({ "Change": `to ${predicate.change}`, "Decision": predicate.decision, "Time": predicate.time }),
  },
};

const given = new URLSearchParams(takeFragment());
const text = new TextDecoder("utf-8", { fatal: true });

// The bytes to sign: the payload and its type, length-prefixed (DSSE v1, PAE).
function encodeForSigning(payload) {
  const head = new TextEncoder().encode(`DSSEv1 ${STATEMENT.length} ${STATEMENT} ${payload.length} `);
  const whole = new Uint8Array(head.length + payload.length);
  whole.set(head);
  whole.set(payload, head.length);
  return whole;
}

// The statement holds only the digest of the reason: show the reason only if it matches.
async function checkReason(wanted) {
  if (wanted === null) return null;
  const reason = { salt: given.get("salt"), text: given.get("reason") };
  const hash = await digest(new TextEncoder().encode(JSON.stringify(reason)));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (wanted !== `sha256:${hex}`) throw new Error("The reason does not match the statement.");
  return reason.text;
}

async function showFacts(kind, predicate) {
  const rows = { ...kind.list(predicate), "Reason": await checkReason(predicate.reason) };
  const table = document.getElementById("predicate");
  for (const [name, value] of Object.entries(rows)) {
    if (value === null) continue;
    const row = table.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head);
    row.insertCell().textContent = value;
  }
}

function goBack(answer) {
  const port = Number(given.get("port"));
  if (!(port >= 1024 && port <= 65535)) throw new Error("No command is waiting for this signature.");
  const query = new URLSearchParams({ state: given.get("state"), ...answer });
  location.replace(`http://127.0.0.1:${port}/?${query}`);
}

async function sign(payload) {
  say("Follow your browser.");
  const made = await navigator.credentials.get({
    publicKey: {
      challenge: await digest(encodeForSigning(payload)),
      rpId: location.hostname,
      allowCredentials: given.getAll("allow").map((id) => ({ type: "public-key", id: decode(id) })),
      userVerification: "required",
    },
  });
  goBack({
    credential: encode(made.rawId),
    authenticator: encode(made.response.authenticatorData),
    client: encode(made.response.clientDataJSON),
    signature: encode(made.response.signature),
  });
}

async function start() {
  if (!given.has("payload")) return;
  const payload = decode(given.get("payload"));
  const statement = JSON.parse(text.decode(payload));
  if (!Object.hasOwn(KINDS, statement.predicateType)) {
    throw new Error("This is neither an approval nor a withdrawal: this page signs nothing else.");
  }
  const kind = KINDS[statement.predicateType];
  const predicate = statement.predicate;
  document.getElementById("title").textContent = `You are about to ${kind.describe(predicate)}`;
  document.getElementById("intro").textContent = `Registry ${location.host}. Read what your signature will say.`;
  document.getElementById("statement").textContent = JSON.stringify(statement, null, 2);
  await showFacts(kind, predicate);
  const hindrance = findHindrance();
  const button = document.getElementById("sign");
  button.disabled = hindrance !== "";
  say(hindrance, "bad");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await sign(payload);
    } catch (error) {
      say(explain(error), "bad");
      button.disabled = false;
    }
  });
  document.getElementById("decline").addEventListener("click", () => goBack({ declined: "1" }));
  document.getElementById("what").hidden = false;
}

start().catch((error) => {
  document.getElementById("title").textContent = "This cannot be signed";
  document.getElementById("intro").textContent = error.message;
});
