// What a careful team would write for rows over HTTP: JSON Schema validation compiled by fastify (ajv), one prepared
// INSERT of whole columns by unnest per request, pooled connections, keep-alive, no logging; a process per core.
//
//     node service.mjs PORT PROCESSES postgres-socket-folder database
import cluster from 'node:cluster';
import Fastify from 'fastify';
import pg from 'pg';

const [port, processes, host, database] = process.argv.slice(2);

const row = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'name', 'sent_at'],
  properties: {
    id: {type: 'integer', minimum: 0},
    name: {type: 'string', maxLength: 100},
    quantity: {type: ['integer', 'null'], minimum: 0, maximum: 1000000},
    sent_at: {type: 'string', format: 'iso-date-time'},
  },
};
const insert = {
  name: 'insert-rows',
  text: 'INSERT INTO events (id, name, quantity, sent_at) ' +
    'SELECT * FROM unnest($1::bigint[], $2::varchar[], $3::integer[], $4::timestamp[])',
};

async function serve() {
  const pool = new pg.Pool({host, database, user: 'owner', max: 8});
  const app = Fastify({
    logger: false,
    bodyLimit: 10_000_000,
    ajv: {customOptions: {coerceTypes: false, removeAdditional: false}},
  });
  app.post('/events', {schema: {body: {anyOf: [{type: 'array', minItems: 1, maxItems: 1000, items: row}, row]}}},
    async (request) => {
      const rows = Array.isArray(request.body) ? request.body : [request.body];
      const count = rows.length;
      const ids = new Array(count), names = new Array(count), quantities = new Array(count), moments = new Array(count);
      for (let i = 0; i < count; i++) {
        const one = rows[i];
        ids[i] = one.id;
        names[i] = one.name;
        quantities[i] = one.quantity ?? null;
        moments[i] = one.sent_at;
      }
      await pool.query({...insert, values: [ids, names, quantities, moments]});
      return {inserted: count};
    });
  await app.listen({port: Number(port), host: '127.0.0.1', backlog: 4096});
}

if (cluster.isPrimary && Number(processes) > 1) {
  let listening = 0;
  for (let i = 0; i < Number(processes); i++) cluster.fork();
  cluster.on('listening', () => {
    if (++listening === Number(processes)) console.log('ready');
  });
  process.on('SIGTERM', () => process.exit(0));
} else {
  await serve();
  if (cluster.isPrimary) console.log('ready');
}
