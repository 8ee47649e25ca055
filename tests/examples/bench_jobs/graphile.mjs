// Drains jobs that do nothing with graphile-worker, as fast as its settings allow: jobs fetched by the hundred into a local
// queue, completions written in batches. Prints jobs per second.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const [connectionString, jobs, singly] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const pgPool = new pg.Pool({ connectionString, max: 40 });
pgPool.on("error", () => {});
pgPool.on("connect", (client) => client.on("error", () => {}));
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ pgPool, logger });
await utils.migrate();
const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;

let begun = process.hrtime.bigint();
for (let n = 0; n < singly; n++) await utils.addJob("nothing", { n });
const one_by_one = singly / seconds(begun);

begun = process.hrtime.bigint();
for (let n = 0; n < jobs; n += 1000) {
  await utils.addJobs(Array.from({ length: 1000 }, (_, i) => ({ identifier: "nothing", payload: { n: n + i } })));
}
const batched = jobs / seconds(begun);

let [started, ran] = [undefined, 0];
const all = jobs + singly;
let end;
const ended = new Promise((resolve) => (end = resolve));
const nothing = () => {
  started ??= process.hrtime.bigint();
  if (++ran === all) end();
};
const worker = {
  concurrentJobs: 10,
  localQueue: { size: 500, refetchDelay: { durationMs: 0 } },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
const runner = await run({ pgPool, logger, preset: { worker }, taskList: { nothing } });
await ended;
// Completed is what has left the table.
const left = async () => (await pgPool.query("SELECT count(*)::int AS n FROM graphile_worker._private_jobs")).rows[0].n;
while ((await left()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
const drained = all / seconds(started);
await runner.stop();
console.log(JSON.stringify({ one_by_one, batched, drained }));
process.exit(0);
