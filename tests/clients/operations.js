// Every operation of the official JavaScript client, against the server whose binding is in the first argument.
// Prints what it saw as one line of JSON.
const { DurableClient } = require("durable-functions/lib/src/durableClient/DurableClient.js");
const { EntityId } = require("durable-functions");

const binding = JSON.parse(process.argv[2]);
const client = new DurableClient(binding);
const mark = process.argv[3];
const seen = {};

async function until(id, states) {
  for (let tries = 0; tries < 500; tries++) {
    const status = await client.getStatus(id, { showInput: true });
    if (states.includes(status.runtimeStatus)) return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${id} never becomes ${states}`);
}

async function refusal(call) {
  try {
    await call();
    return "nothing";
  } catch (error) {
    return error.message;
  }
}

async function main() {
  const id = await client.startNew("hello_cities", { instanceId: `${mark}a`, input: ["Oslo", "Rome"] });
  const done = await until(id, ["Completed"]);
  seen.start = [id, done.input, done.output];
  const nameless = await client.startNew("echo");
  seen.generated = [/^[0-9a-f]{32}$/.test(nameless), (await until(nameless, ["Completed", "Failed"])).input];
  seen.history = (await client.getStatus(id, { showHistory: true, showHistoryOutput: true })).historyEvents?.length ?? null;
  seen.absent = (await refusal(() => client.getStatus(`${mark}absent`))).includes("404");
  seen.unknown = (await until(await client.startNew("nothing_like_it", { instanceId: `${mark}u` }), ["Failed"])).runtimeStatus;

  await client.startNew("approval", { instanceId: `${mark}b` });
  await until(`${mark}b`, ["Running"]);
  await client.suspend(`${mark}b`, "a while");
  await until(`${mark}b`, ["Suspended"]);
  await client.resume(`${mark}b`, "go on");
  await until(`${mark}b`, ["Running"]);
  seen.eventWithoutData = (await refusal(() => client.raiseEvent(`${mark}b`, "Approve"))) !== "nothing";
  await client.raiseEvent(`${mark}b`, "Approve", { ok: true });
  seen.event = (await until(`${mark}b`, ["Completed"])).output;
  seen.eventToNobody = await refusal(() => client.raiseEvent(`${mark}absent`, "Approve", 1));

  await client.startNew("sleeper", { instanceId: `${mark}s`, input: 60 });
  await until(`${mark}s`, ["Running"]);
  seen.taken = (await refusal(() => client.startNew("sleeper", { instanceId: `${mark}s` }))).includes("already exists");
  seen.rewindRunning = await refusal(() => client.rewind(`${mark}s`, "why"));
  await client.terminate(`${mark}s`, "enough");
  seen.terminated = (await until(`${mark}s`, ["Terminated"])).output;
  await client.terminate(`${mark}s`, "again");

  await client.startNew("flaky", { instanceId: `${mark}f`, input: `${mark}f` });
  await until(`${mark}f`, ["Failed"]);
  await client.rewind(`${mark}f`, "mended");
  seen.rewound = (await until(`${mark}f`, ["Completed"])).output;

  const counter = new EntityId("counter", `${mark}k`);
  seen.noEntity = (await client.readEntityState(counter)).entityExists;
  await client.signalEntity(counter, "add", 5);
  let state = await client.readEntityState(counter);
  for (let tries = 0; tries < 500 && state.entityState !== 5; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    state = await client.readEntityState(counter);
  }
  seen.entity = [state.entityExists, state.entityState];

  const request = { url: "http://example.org:8080/api/start" };
  const waited = await client.waitForCompletionOrCreateCheckStatusResponse(request, id, {
    timeoutInMilliseconds: 5000,
    retryIntervalInMilliseconds: 100,
  });
  seen.waited = [waited.status, await waited.json()];
  const links = await client.createCheckStatusResponse(request, "x y").json();
  seen.links = links.statusQueryGetUri.startsWith("http://example.org:8080/runtime/webhooks/durabletask/instances/x y?taskHub=");

  const listed = await client.getStatusBy({ createdTimeFrom: new Date(Date.now() - 60000), runtimeStatus: ["Terminated"] });
  seen.listed = listed.filter((each) => each.instanceId.startsWith(mark)).map((each) => each.instanceId);
  seen.all = (await client.getStatusAll()).length > 3;
  seen.purged = (await client.purgeInstanceHistory(`${mark}s`)).instancesDeleted;
  seen.purgedAgain = (await client.purgeInstanceHistory(`${mark}s`)).instancesDeleted;
  const since = { createdTimeFrom: new Date(Date.now() - 60000), runtimeStatus: ["Failed"] };
  seen.purgedBy = (await client.purgeInstanceHistoryBy(since)).instancesDeleted;
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
