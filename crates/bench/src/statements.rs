//! The hot statements run bare: through the same driver, on as many connections, and with nothing
//! around them.

use alias_domain::{
    AuthorizationId, ClientId, Digest, Lifetimes, Redemption, RequestedScope, Rotation, Scope,
    ports::Anticipated, testing::sample,
};
use alias_storage_postgres::testing::Hot;
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio_postgres::{Client, NoTls, types::ToSql};
use uuid::Uuid;

use crate::{
    drive::Work,
    population::{self, Member},
    share::Share,
};

/// A statement that is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statement {
    /// That of a refresh.
    Refresh,
    /// That of an exchange.
    Exchange,
    /// That of an authorization request which asks nobody.
    Issue,
    /// What tells the worth of a token.
    Standing,
    /// A plain insert of an authorization.
    Insert,
    /// A plain look-up of an authorization by its primary key.
    LookUp,
    /// What a provider with a row for each token does at a refresh.
    TwoInserts,
}

impl Statement {
    pub(crate) const ALL: [Self; 7] = [
        Self::Refresh,
        Self::Exchange,
        Self::Issue,
        Self::Standing,
        Self::Insert,
        Self::LookUp,
        Self::TwoInserts,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Refresh => "statement of a refresh",
            Self::Exchange => "statement of an exchange",
            Self::Issue => "statement of an authorize",
            Self::Standing => "statement of a look-up",
            Self::Insert => "bare insert",
            Self::LookUp => "bare look-up",
            Self::TwoInserts => "two-insert rotation",
        }
    }

    /// Those of the store come with their parameters, but their text is the same for any.
    fn text(self) -> Result<&'static str> {
        let (nobody, now) = (Uuid::nil(), DateTime::UNIX_EPOCH);
        Ok(match self {
            Self::Refresh => hot_refresh(
                AuthorizationId::from_uuid(nobody),
                sample::client().id,
                1,
                now,
            )?
            .text(),
            Self::Exchange => hot_exchange((nobody, sample::client().id), now)?.text(),
            Self::Issue => hot_issue(Digest::of(b""), sample::client().id, now)?.text(),
            Self::Standing => Hot::standing(AuthorizationId::from_uuid(nobody)).text(),
            Self::Insert => INSERT,
            Self::LookUp => "SELECT * FROM authorizations WHERE id = $1",
            Self::TwoInserts => TWO_INSERTS,
        })
    }
}

fn hot_refresh(
    authorization: AuthorizationId,
    client_id: ClientId,
    generation: u32,
    now: DateTime<Utc>,
) -> Result<Hot> {
    let rotation = Rotation {
        authorization,
        client_id,
        generation,
        scope: RequestedScope::Everything,
    };
    Ok(Hot::refresh(&rotation, &Lifetimes::default(), now)?)
}

fn hot_exchange((code, client_id): (Uuid, ClientId), now: DateTime<Utc>) -> Result<Hot> {
    let redemption = Redemption {
        authorization: AuthorizationId::from_uuid(code),
        client_id,
        ..sample::redemption()
    };
    let lifetimes = Lifetimes {
        auth_code: CODE,
        ..Lifetimes::default()
    };
    Ok(Hot::exchange(&redemption, &lifetimes, now)?)
}

fn hot_issue(session: Digest, client_id: ClientId, now: DateTime<Utc>) -> Result<Hot> {
    let anticipated = Anticipated {
        id: AuthorizationId::from_uuid(authorization(now)),
        client_id,
        binding: sample::new_authorization().binding,
        code_expires_at: now + CODE,
        access: population::everything(),
    };
    Ok(Hot::issue(session, &anticipated, now)?)
}

const INSERT: &str = "
    INSERT INTO authorizations (
        id, client_id, user_id, approved_scopes, approved_channels, session_id, auth_time,
        redirect_uri, asked_claims, code_expires_at, ends_at, sweep_at
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $9, $9)";

/// A row for each token, as most providers have it.
pub(crate) const TWO_INSERTS_SCHEMA: &str = "
    CREATE TABLE plain_refresh_tokens (
        id uuid PRIMARY KEY, grant_id uuid NOT NULL, scopes text[] NOT NULL,
        expires_at timestamptz NOT NULL, used_at timestamptz
    );
    CREATE INDEX ON plain_refresh_tokens (grant_id);
    CREATE TABLE plain_access_tokens (
        id uuid PRIMARY KEY, grant_id uuid NOT NULL, scopes text[] NOT NULL,
        expires_at timestamptz NOT NULL
    );
    CREATE INDEX ON plain_access_tokens (grant_id);";

const TWO_INSERTS: &str = "
    WITH old AS (
        UPDATE plain_refresh_tokens SET used_at = $5
        WHERE id = $1 AND used_at IS NULL AND expires_at > $5 RETURNING grant_id, scopes
    ), access AS (
        INSERT INTO plain_access_tokens (id, grant_id, scopes, expires_at)
        SELECT $2, grant_id, scopes, $4 FROM old
    )
    INSERT INTO plain_refresh_tokens (id, grant_id, scopes, expires_at)
    SELECT $3, grant_id, scopes, $4 FROM old RETURNING grant_id";

/// A connection that runs one statement again and again.
pub(crate) struct Bare {
    which: Statement,
    client: Client,
    prepared: tokio_postgres::Statement,
    share: Share,
    /// The token that the next rotation presents.
    token: Uuid,
    /// Codes that wait, each for whom.
    codes: Vec<(Uuid, Member)>,
}

impl Bare {
    pub(crate) async fn new(which: Statement, url: &str, share: Share) -> Result<Self> {
        let client = connect(url).await?;
        let prepared = client.prepare(which.text()?).await.context(which.name())?;
        let token = population::fresh();
        if which == Statement::TwoInserts {
            let statement = "
                INSERT INTO plain_refresh_tokens
                VALUES ($1, $1, '{openid,offline_access}', now() + interval '90 days')";
            client.execute(statement, &[&token]).await?;
        }
        Ok(Self {
            which,
            client,
            prepared,
            share,
            token,
            codes: Vec::new(),
        })
    }

    /// Runs the statement, which finds or makes one row.
    async fn run(&self, params: &[&(dyn ToSql + Sync)]) -> Result<()> {
        let rows = self.client.query(&self.prepared, params).await?;
        let found = rows.len() == 1;
        ensure!(found, "{}: it found nothing", self.which.name());
        Ok(())
    }

    async fn refresh(&mut self, now: DateTime<Utc>) -> Result<()> {
        let member = self.share.next();
        let generation = self.share.rotate(member);
        let (id, client) = (member.authorization(), member.client_id());
        let hot = hot_refresh(id, client, generation, now)?;
        self.run(&hot.params()).await
    }

    async fn exchange(&mut self, code: (Uuid, Member), now: DateTime<Utc>) -> Result<()> {
        let hot = hot_exchange((code.0, code.1.client_id()), now)?;
        self.run(&hot.params()).await
    }

    async fn issue(&mut self, now: DateTime<Utc>) -> Result<()> {
        let member = self.share.next();
        let session = population::session_token(member.user()).digest();
        let hot = hot_issue(session, member.client_id(), now)?;
        self.run(&hot.params()).await
    }

    async fn insert(
        &self,
        statement: &tokio_postgres::Statement,
        id: Uuid,
        member: Member,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let granted = Granted::new();
        let params: &[&(dyn ToSql + Sync)] = &[
            &id,
            &member.client_id().uuid(),
            &member.user_id().uuid(),
            &granted.scopes,
            &granted.channels,
            &member.session_id().uuid(),
            &now,
            &sample::REDIRECT_URI,
            &(now + CODE),
        ];
        self.client.execute(statement, params).await?;
        Ok(())
    }

    /// Has the server count now what was done so far: by itself it does so up to ten seconds later.
    pub(crate) async fn be_counted(&self) -> Result<()> {
        let statement = "SELECT pg_stat_force_next_flush()";
        Ok(self.client.batch_execute(statement).await?)
    }

    async fn two_inserts(&mut self, now: DateTime<Utc>) -> Result<()> {
        let (access, next) = (population::fresh(), population::fresh());
        let end = now + Lifetimes::default().refresh_token;
        self.run(&[&self.token, &access, &next, &end, &now]).await?;
        self.token = next;
        Ok(())
    }
}

/// How long a code waits.
const CODE: TimeDelta = TimeDelta::minutes(10);

/// What is granted, as a row has it.
struct Granted {
    scopes: Vec<&'static str>,
    channels: Vec<i64>,
}

impl Granted {
    fn new() -> Self {
        let access = population::everything();
        let channels = access.channels().into_iter().flatten();
        Self {
            scopes: access.scopes().map(Scope::name).collect(),
            channels: channels.map(|it| i64::from(it.0)).collect(),
        }
    }
}

/// A connection of the driver, on this thread.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with the client.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// Lets the server do now what it would do later, in the midst of what is measured next.
pub(crate) async fn tidy_up(client: &Client) -> Result<()> {
    for statement in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
        client.batch_execute(statement).await?;
    }
    Ok(())
}

#[async_trait(?Send)]
impl Work for Bare {
    async fn stock(&mut self, turns: usize) -> Result<()> {
        if self.which != Statement::Exchange {
            return Ok(());
        }
        let insert = self.client.prepare(INSERT).await?;
        while self.codes.len() < turns {
            let code = (authorization(now()), self.share.next());
            self.insert(&insert, code.0, code.1, now()).await?;
            self.codes.push(code);
        }
        Ok(())
    }

    async fn turn(&mut self) -> Result<bool> {
        let now = now();
        match self.which {
            Statement::Refresh => self.refresh(now).await?,
            Statement::Exchange => {
                let Some(code) = self.codes.pop() else {
                    return Ok(false);
                };
                self.exchange(code, now).await?;
            }
            Statement::Issue => self.issue(now).await?,
            Statement::Standing | Statement::LookUp => {
                let member = self.share.next();
                self.run(&[&member.authorization().uuid()]).await?;
            }
            Statement::Insert => {
                let member = self.share.next();
                self.insert(&self.prepared, authorization(now), member, now)
                    .await?;
            }
            Statement::TwoInserts => self.two_inserts(now).await?,
        }
        Ok(true)
    }
}

/// As the service makes it.
fn authorization(now: DateTime<Utc>) -> Uuid {
    AuthorizationId::fresh(now, population::fresh()).uuid()
}

fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}
