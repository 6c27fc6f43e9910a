// What oidc-provider keeps, in PostgreSQL: one table for all its models, a named statement per operation.

// The payload is of oidc-provider's making, and what it looks rows up by has a column beside it. Only a few
// models have these columns, so their indexes leave the other rows out. There is no index on expires_at:
// nothing but the operator's nightly DELETE of expired rows asks for it, and each write would pay.
export const schema = `
  CREATE TABLE IF NOT EXISTS oidc (
    type text NOT NULL,
    id text NOT NULL,
    payload jsonb NOT NULL,
    grant_id text,
    user_code text,
    uid text,
    expires_at timestamptz,
    consumed_at timestamptz,
    PRIMARY KEY (type, id)
  );
  CREATE INDEX IF NOT EXISTS oidc_grant_id ON oidc (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_user_code ON oidc (user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_uid ON oidc (uid) WHERE uid IS NOT NULL;
`

const upsert = `
  INSERT INTO oidc (type, id, payload, grant_id, user_code, uid, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
  ON CONFLICT (type, id) DO UPDATE SET
    payload = excluded.payload,
    grant_id = excluded.grant_id,
    user_code = excluded.user_code,
    uid = excluded.uid,
    expires_at = excluded.expires_at
`
const find = 'SELECT payload, consumed_at FROM oidc WHERE type = $1 AND id = $2'
const findByUid = 'SELECT payload, consumed_at FROM oidc WHERE type = $1 AND uid = $2'
const findByUserCode = 'SELECT payload, consumed_at FROM oidc WHERE type = $1 AND user_code = $2'
const consume = 'UPDATE oidc SET consumed_at = now() WHERE type = $1 AND id = $2'
const destroy = 'DELETE FROM oidc WHERE type = $1 AND id = $2'
const revokeByGrantId = 'DELETE FROM oidc WHERE type = $1 AND grant_id = $2'

export class Adapter {
  #pool
  #type

  constructor(pool, type) {
    this.#pool = pool
    this.#type = type
  }

  // Each is one statement, and so one durable commit.
  #run(name, text, ...values) {
    return this.#pool.query({ name, text, values: [this.#type, ...values] })
  }

  // Whether it has expired is oidc-provider's to say: it has the time in the payload, and its tolerance.
  async #one(name, text, value) {
    const { rows: [row] } = await this.#run(name, text, value)
    return row && (row.consumed_at ? { ...row.payload, consumed: row.consumed_at } : row.payload)
  }

  async upsert(id, payload, expiresIn) {
    const { grantId, userCode, uid } = payload
    await this.#run('upsert', upsert, id, payload, grantId, userCode, uid, expiresIn)
  }

  find(id) {
    return this.#one('find', find, id)
  }

  findByUid(uid) {
    return this.#one('find by uid', findByUid, uid)
  }

  findByUserCode(userCode) {
    return this.#one('find by user code', findByUserCode, userCode)
  }

  async consume(id) {
    await this.#run('consume', consume, id)
  }

  async destroy(id) {
    await this.#run('destroy', destroy, id)
  }

  async revokeByGrantId(grantId) {
    await this.#run('revoke by grant', revokeByGrantId, grantId)
  }
}
