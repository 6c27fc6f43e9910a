//! Users.

use alias_domain::{
    Email, User, UserId,
    ports::{EmailTaken, PasswordHash, StoreError, Users},
};
use async_trait::async_trait;
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    deleted::{self, Deleted},
    row::{Row, bits, execute, id, millis},
    sessions,
    table::{Table, cell, column},
};

pub(crate) static USERS: Table<(User, PasswordHash)> = Table::new(
    "users",
    &["id"],
    &[
        column("id", |(user, _)| id(user.id.uuid())),
        column("email", |(user, _)| cell(user.email.as_str().to_owned())),
        column("nickname", |(user, _)| {
            cell(user.nickname.as_ref().map(ToString::to_string))
        }),
        column("password_hash", |(_, password)| {
            cell(password.as_str().to_owned())
        }),
        column("locked", |(user, _)| cell(user.locked)),
        column("created_at", |(user, _)| cell(millis(user.created_at))),
    ],
);

fn from_row(row: &Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::from_uuid(row.uuid("id")?),
        email: row.parsed("email")?,
        nickname: row.optional("nickname", Row::parsed)?,
        locked: row.get("locked")?,
        created_at: row.time("created_at")?,
    })
}

pub(crate) fn with_hash(row: &Row<'_>) -> Result<(User, PasswordHash), StoreError> {
    let hash: String = row.get("password_hash")?;
    Ok((from_row(row)?, PasswordHash::new(hash)))
}

/// The user, if there is one.
pub(crate) fn find(connection: &Connection, id: UserId) -> Result<Option<User>, StoreError> {
    let living = "WHERE id = ?1 AND NOT deleted";
    USERS.one(connection, living, [bits(id.uuid())], from_row)
}

pub(crate) fn find_with_hash(
    connection: &Connection,
    id: UserId,
) -> Result<Option<(User, PasswordHash)>, StoreError> {
    let living = "WHERE id = ?1 AND NOT deleted";
    USERS.one(connection, living, [bits(id.uuid())], with_hash)
}

fn find_by_email(
    connection: &Connection,
    email: &Email,
) -> Result<Option<(User, PasswordHash)>, StoreError> {
    let living = "WHERE email = ?1 AND NOT deleted";
    USERS.one(connection, living, [email.as_str()], with_hash)
}

#[async_trait]
impl Users for SqliteStore {
    async fn insert_user(
        &self,
        user: &User,
        password: &PasswordHash,
    ) -> Result<Result<(), EmailTaken>, StoreError> {
        let row = (user.clone(), password.clone());
        self.write(move |connection| {
            let added = USERS.insert_new(connection, &row, "email")?;
            Ok(if added { Ok(()) } else { Err(EmailTaken) })
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read(move |connection| find(connection, id)).await
    }

    async fn user_by_email(
        &self,
        email: &Email,
    ) -> Result<Option<(User, PasswordHash)>, StoreError> {
        let email = email.clone();
        self.read(move |connection| find_by_email(connection, &email))
            .await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        let living = "WHERE NOT deleted ORDER BY created_at, id";
        self.read(|connection| USERS.all(connection, living, [], from_row))
            .await
    }

    async fn rehash_password(
        &self,
        id: UserId,
        before: &PasswordHash,
        next: &PasswordHash,
    ) -> Result<(), StoreError> {
        let (before, next) = (before.clone(), next.clone());
        let statement = "
            UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";
        self.write(move |connection| {
            let row = params![bits(id.uuid()), before.as_str(), next.as_str()];
            execute(connection, statement, row).map(drop)
        })
        .await
    }

    async fn update_user(
        &self,
        before: &User,
        next: &User,
    ) -> Result<Result<bool, EmailTaken>, StoreError> {
        let (before, next) = (before.clone(), next.clone());
        self.write(move |connection| {
            let owner = find_by_email(connection, &next.email)?;
            if owner.is_some_and(|(it, _)| it.id != next.id) {
                return Ok(Err(EmailTaken));
            }
            let statement = "
                UPDATE users SET email = ?4, nickname = ?5
                WHERE id = ?1 AND email = ?2 AND nickname IS ?3 AND NOT deleted";
            let row = params![
                bits(next.id.uuid()),
                before.email.as_str(),
                before.nickname.as_ref().map(|it| it.as_str()),
                next.email.as_str(),
                next.nickname.as_ref().map(|it| it.as_str()),
            ];
            Ok(Ok(execute(connection, statement, row)? > 0))
        })
        .await
    }

    async fn reset_password(
        &self,
        id: UserId,
        password: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let password = password.clone();
        self.write(move |connection| {
            sessions::end_all_of(connection, id)?;
            let statement = "UPDATE users SET password_hash = ?2 WHERE id = ?1 AND NOT deleted";
            let row = params![bits(id.uuid()), password.as_str()];
            Ok(execute(connection, statement, row)? > 0)
        })
        .await
    }

    async fn lock_user(&self, id: UserId, locked: bool) -> Result<bool, StoreError> {
        self.write(move |connection| {
            if locked {
                sessions::end_all_of(connection, id)?;
            }
            let id = bits(id.uuid());
            let statement = "UPDATE users SET locked = ?2 WHERE id = ?1 AND NOT deleted";
            Ok(execute(connection, statement, params![id, locked])? > 0)
        })
        .await
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let id = id.uuid();
        let marked = self.write(move |connection| deleted::mark_user(connection, id));
        let marked = marked.await?;
        if marked {
            self.begin_to_remove(Deleted::User, id).await;
        }
        Ok(marked)
    }
}
