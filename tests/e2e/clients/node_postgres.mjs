// node-postgres against a Freshet server: node node_postgres.mjs postgresql://127.0.0.1:PORT/freshet
// The tables are those of test_clients.py. Ends with "all good", or with what was wrong.
import assert from "node:assert/strict";
import pg from "pg";

const url = new URL(process.argv[2]);
url.username = "reader";
const connectionString = url.toString();

async function readsEveryType(client) {
  const { rows, fields } = await client.query("SELECT * FROM types ORDER BY id");
  const [row, empty] = rows;
  assert.equal(row.b, true);
  assert.equal(row.i2, -2);
  assert.equal(row.i8, "9007199254740993");
  assert.equal(row.f4, 1.5);
  assert.equal(row.f8, 0.1);
  assert.equal(row.n, "1234567890.12");
  assert.equal(row.t, "ä🦆");
  assert.equal(row.u, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
  assert.deepEqual(row.j, { a: 1 });
  assert.deepEqual(row.jb, { b: [1, 2] });
  assert.deepEqual(row.d, new Date(2026, 10, 22));
  assert.equal(row.tz.toISOString(), "2026-11-22T12:34:56.789Z");
  assert.equal(row.tm, "12:34:56.789");
  assert.equal(row.iv.days, 1);
  assert.equal(row.iv.hours, 2);
  assert.deepEqual(row.raw, Buffer.from([0, 255]));
  assert.deepEqual(row.ints, [1, null, 3]);
  assert.deepEqual(row.texts, ["a", null, "b c"]);
  for (const { name } of fields.slice(1)) assert.equal(empty[name], null);
}

async function bindsParameters(client) {
  const one = await client.query("SELECT v FROM many WHERE id = $1", [7]);
  assert.deepEqual(one.rows, [{ v: "value 7" }]);
  const some = await client.query("SELECT id FROM types WHERE t = $1 AND b = $2 AND raw = $3", [
    "ä🦆",
    true,
    Buffer.from([0, 255]),
  ]);
  assert.equal(some.rowCount, 1);
  assert.equal(some.command, "SELECT");
}

async function reusesANamedStatement(client) {
  for (let id = 1; id <= 100; id++) {
    const { rows } = await client.query({
      name: "by id",
      text: "SELECT v FROM many WHERE id = $1",
      values: [id],
    });
    assert.equal(rows[0].v, `value ${id}`);
  }
}

async function tellsErrors(client) {
  await assert.rejects(client.query("SELECT * FROM no_such_table"), { code: "42P01" });
  await assert.rejects(client.query("DELETE FROM many"), { code: "25006" });
  await assert.rejects(client.query("SELECT v FROM many WHERE id = $1", ["x"]), { code: "22P02" });
  const { rows } = await client.query("SELECT 1 AS one");
  assert.deepEqual(rows, [{ one: 1 }]);
}

async function readsABlock(client) {
  await client.query("BEGIN");
  const { rows } = await client.query("SELECT count(*) AS n FROM many");
  await client.query("COMMIT");
  assert.equal(rows[0].n, "50000");
}

async function readsManyRows(client) {
  const { rows } = await client.query("SELECT id, v FROM many ORDER BY id");
  assert.equal(rows.length, 50000);
  assert.deepEqual(rows[49999], { id: "50000", v: "value 50000" });
}

async function worksThroughAPool() {
  const pool = new pg.Pool({ connectionString, max: 8 });
  const ids = Array.from({ length: 200 }, (_, i) => i + 1);
  const answers = await Promise.all(
    ids.map((id) => pool.query("SELECT v FROM many WHERE id = $1", [id])),
  );
  assert.deepEqual(answers.map((answer) => answer.rows[0].v), ids.map((id) => `value ${id}`));
  await pool.end();
}

const client = new pg.Client({ connectionString });
await client.connect();
for (const check of [
  readsEveryType,
  bindsParameters,
  reusesANamedStatement,
  tellsErrors,
  readsABlock,
  readsManyRows,
]) {
  await check(client);
  console.log(`${check.name}: good`);
}
await client.end();
await worksThroughAPool();
console.log("all good");
