//! Statements that read what the domain judges by, and in the same breath write what it expects to
//! say. Which conditions a case has, and what is written, is the domain's; here they become SQL.
//!
//! A guard is looked at in the snapshot of the statement. The row that is written must be the version
//! that was read, so of any number of rivals one writes, and what it wrote can be compared with what
//! the domain says of what was read.

use std::sync::LazyLock;

use alias_domain::{
    Access, Authorization, AuthorizationId, Case, ClientId, CodeBinding, Condition, End, Expected,
    ForSession, Phase, UserId, ports::StoreError,
};
use chrono::DateTime;
use uuid::Uuid;

use crate::{
    authorizations::{AUTHORIZATIONS, select_standing},
    clients::CLIENTS,
    grants::CONNECTIONS,
    row::{channels, names, scopes, word},
    sessions::SESSIONS,
    table::{Cell, Column, Value, Values, cell},
    users::USERS,
};

/// A condition as SQL, over the short names of tables, and the values that each `?` of it stands for.
/// The text of a condition is the same for every value: a statement is prepared once.
fn sql(condition: &Condition) -> (&'static str, Vec<Cell>) {
    match condition {
        Condition::Possible(it) => ("?::bool", vec![cell(*it)]),
        Condition::OfClient(id) => ("a.client_id = ?::uuid", vec![cell(id.uuid())]),
        Condition::RedirectUri(uri) => ("a.redirect_uri = ?::text", vec![cell(uri.clone())]),
        Condition::Challenge(challenge) => (
            "a.challenge IS NOT DISTINCT FROM ?::text",
            vec![cell(challenge.as_ref().map(ToString::to_string))],
        ),
        Condition::CodeEnds { after, by } => (
            "a.code_expires_at > ?::timestamptz AND a.code_expires_at <= ?::timestamptz",
            vec![cell(*after), cell(*by)],
        ),
        Condition::Generation(number) => (
            "a.refresh_generation = ?::int8",
            vec![cell(i64::from(*number))],
        ),
        Condition::RefreshEndsAfter(time) => {
            ("a.refresh_expires_at > ?::timestamptz", vec![cell(*time)])
        }
        Condition::Unlocked => ("NOT u.locked", vec![]),
        Condition::Connected => ("c.scopes IS NOT NULL", vec![]),
        Condition::Retains(scopes) => {
            let scopes = names(scopes.iter().copied());
            (
                "a.approved_scopes @> ?::text[] AND c.scopes @> ?::text[]",
                vec![cell(scopes.clone()), cell(scopes)],
            )
        }
        Condition::OfKind(kind) => ("k.kind = ?::text", vec![word(kind).and_then(cell)]),
        Condition::SessionEndsAfter(time) => ("s.expires_at > ?::timestamptz", vec![cell(*time)]),
        Condition::SessionOf(user) => ("s.user_id = ?::uuid", vec![cell(user.uuid())]),
        Condition::Covers(access) => {
            let declared = declarations(access);
            (
                "c.scopes @> ?::text[] AND c.channels @> ?::int8[]
                AND (?::text = '[]' OR k.channels::jsonb @> ?::text::jsonb)",
                vec![
                    cell(scopes(access)),
                    cell(channels(access)),
                    cell(declared.clone()),
                    cell(declared),
                ],
            )
        }
    }
}

/// The channels of an access, as a client's column contains them if it declares each.
fn declarations(access: &Access) -> String {
    let channels = access.channels().into_iter().flatten();
    let declared = channels.map(|it| format!("{{\"id\":{}}}", it.0));
    format!("[{}]", declared.collect::<Vec<_>>().join(","))
}

/// All of some conditions.
fn all(conditions: &[Condition]) -> String {
    match conditions {
        [] => "TRUE".to_owned(),
        some => {
            let each = some.iter().map(|it| format!("({})", sql(it).0));
            each.collect::<Vec<_>>().join(" AND ")
        }
    }
}

fn values_of(conditions: &[Condition]) -> impl Iterator<Item = Cell> + '_ {
    conditions.iter().flat_map(|it| sql(it).1)
}

/// Numbers what stands for values, in the order in which they stand.
fn numbered(statement: &str) -> String {
    let mut parts = statement.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(1..).fold(first, |text, (part, number)| {
        text + &format!("${number}") + part
    })
}

/// What a column becomes in a case.
fn expression(column: &Column<Authorization>, case: &Case) -> String {
    let value = format!("?::{}", column.kind());
    match case.change.ends_at {
        End::NoSooner(_) if column.name == "ends_at" => format!("greatest(a.ends_at, {value})"),
        End::NoSooner(_) | End::At(_) => value,
    }
}

/// The columns that an exchange or a refresh writes.
fn changing() -> impl Iterator<Item = &'static Column<Authorization>> {
    AUTHORIZATIONS.columns.iter().filter(|it| it.changes())
}

/// The statement that changes an authorization as expected: of what it wrote it returns the whole
/// row, or NULLs, and then the standing that it read.
pub(crate) fn update(expected: &Expected<Vec<Case>>) -> String {
    let written = AUTHORIZATIONS.list();
    let (holds, cases) = (all(&expected.guard), &expected.next);
    // The last case is for all the rest.
    let (others, last) = match cases.split_last() {
        Some((last, others)) => (others, Some(last)),
        None => (&[][..], None),
    };
    let chosen = others.iter().zip(1..);
    let chosen = chosen.map(|(it, number)| format!(", {} AS case_{number}", all(&it.when)));
    let chosen: String = chosen.collect();
    let set = changing().map(|column| {
        let chosen = others.iter().zip(1..).map(|(it, number)| {
            let value = expression(column, it);
            format!("WHEN case_{number} THEN {value} ")
        });
        let (chosen, rest) = (
            chosen.collect::<String>(),
            last.map(|it| expression(column, it)),
        );
        let rest = rest.unwrap_or_default();
        let value = match chosen.as_str() {
            "" => rest,
            chosen => format!("CASE {chosen}ELSE {rest} END"),
        };
        format!("{} = {value}", column.name)
    });
    let set = set.collect::<Vec<_>>().join(", ");
    let facts = format!(", a.xmin AS version, {holds} AS holds{chosen}");
    let before = select_standing(&facts, "?::uuid");
    numbered(&format!(
        "WITH before AS MATERIALIZED ({before}), done AS (
            UPDATE authorizations a SET {set}
            FROM before WHERE a.id = ?::uuid AND a.xmin = version AND holds
            RETURNING {written}
        )
        SELECT done.*, before.* FROM before LEFT JOIN done ON TRUE"
    ))
}

/// The parameters of [`update`].
pub(crate) fn update_values(
    id: AuthorizationId,
    expected: &Expected<Vec<Case>>,
) -> Result<Values, StoreError> {
    let cases = &expected.next;
    let others = cases.split_last().map(|(_, others)| others);
    let chosen = others.into_iter().flatten();
    let chosen = chosen.flat_map(|it| values_of(&it.when));
    let changed: Vec<_> = cases.iter().map(|it| it.change.of(&ANY)).collect();
    let set = changing().flat_map(|column| changed.iter().map(|it| column.value(it)));
    let id = || cell(id.uuid());
    let values = values_of(&expected.guard).chain(chosen).chain([id()]);
    values.chain(set).chain([id()]).collect()
}

/// What a change is applied to where only what it changes is asked for.
static ANY: LazyLock<Authorization> = LazyLock::new(|| Authorization {
    id: AuthorizationId::from_uuid(Uuid::nil()),
    client_id: ClientId::from_uuid(Uuid::nil()),
    user_id: UserId::from_uuid(Uuid::nil()),
    approved: Access::openid(),
    session_id: None,
    auth_time: DateTime::UNIX_EPOCH,
    binding: CodeBinding {
        redirect_uri: String::new(),
        challenge: None,
        nonce: None,
        asked_claims: alias_domain::AskedClaims::default(),
    },
    phase: Phase::Redeemed { refresh: None },
    user_tokens_void_through: None,
    // The sooner of any two.
    ends_at: DateTime::<chrono::Utc>::MIN_UTC,
});

/// What of a new authorization is the session's, in the statement that makes it.
fn of_session(column: &Column<Authorization>) -> Option<&'static str> {
    match column.name {
        "user_id" => Some("owner"),
        "session_id" => Some("began"),
        "auth_time" => Some("authenticated"),
        _ => None,
    }
}

/// The statement that makes an authorization as expected, for the session that a condition names: it
/// returns the whole row that it made, or NULLs, and then the connection, client, session and user
/// that it read. The client counts as one that took part.
///
/// The connection and the session are read as they are once they are locked: whoever ends the session
/// waits for this, or this finds it gone. The user and the client are of the moment before: whoever
/// locks a user ends the session, and what a client still declares counts when the code is exchanged.
pub(crate) fn insert(expected: &Expected<ForSession>, session: &str) -> String {
    let (connection, client) = (CONNECTIONS.list(), CLIENTS.list());
    let (read, user) = (SESSIONS.list(), USERS.list());
    let (written, names) = (AUTHORIZATIONS.list(), AUTHORIZATIONS.names());
    let holds = all(&expected.guard);
    let made = AUTHORIZATIONS.columns.iter().map(|column| {
        let value = || format!("?::{}", column.kind());
        of_session(column).map_or_else(value, str::to_owned)
    });
    let made = made.collect::<Vec<_>>().join(", ");
    numbered(&format!(
        "WITH moment AS MATERIALIZED (
            SELECT {connection}, {client}, {read}, {user}, {holds} AS holds,
                s.user_id AS owner, s.id AS began, s.auth_time AS authenticated
            FROM sessions s
            JOIN users u ON u.id = s.user_id
            JOIN connections c ON c.user_id = s.user_id AND c.client_id = ?::uuid
            JOIN clients k ON k.id = c.client_id
            WHERE {session}
            FOR SHARE OF c FOR KEY SHARE OF s
        ), made AS (
            INSERT INTO authorizations AS a ({names}) SELECT {made} FROM moment WHERE holds
            RETURNING {written}
        ), took_part AS (
            INSERT INTO session_clients (session_id, client_id)
            SELECT session_id, client_id FROM made
            ON CONFLICT (session_id, client_id) DO NOTHING
        )
        SELECT made.*, moment.* FROM moment LEFT JOIN made ON TRUE"
    ))
}

/// The parameters of [`insert`], with that of the condition on the session.
pub(crate) fn insert_values(
    expected: &Expected<ForSession>,
    session: Value,
) -> Result<Values, StoreError> {
    let ForSession(new) = &expected.next;
    let made = AUTHORIZATIONS.columns.iter();
    let made = made.filter(|column| of_session(column).is_none());
    let made = made.map(|column| column.value(new));
    let key = [cell(new.client_id.uuid()), Ok(session)];
    values_of(&expected.guard).chain(key).chain(made).collect()
}
