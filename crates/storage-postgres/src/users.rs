//! Users.

use std::sync::LazyLock;

use alias_domain::{
    Email, User, UserId,
    ports::{EmailTaken, PasswordHash, StoreError, Users},
};
use async_trait::async_trait;
use tokio_postgres::types::Type;

use crate::{
    PostgresStore,
    deleted::{self, Deleted},
    notices::{self, Ending},
    row::Row,
    steps::{Params, execute},
    table::{Table, cell, column},
};

pub(crate) static USERS: Table<(User, PasswordHash)> = Table {
    name: "users",
    alias: "u",
    key: &["id"],
    columns: &[
        column("id", Type::UUID, |(user, _)| cell(user.id.uuid())),
        column("email", Type::TEXT, |(user, _)| {
            cell(user.email.as_str().to_owned())
        }),
        column("nickname", Type::TEXT, |(user, _)| {
            cell(user.nickname.as_ref().map(ToString::to_string))
        }),
        column("password_hash", Type::TEXT, |(_, password)| {
            cell(password.as_str().to_owned())
        }),
        column("locked", Type::BOOL, |(user, _)| cell(user.locked)),
        column("created_at", Type::TIMESTAMPTZ, |(user, _)| {
            cell(user.created_at)
        }),
    ],
};

pub(crate) fn from_row(row: Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::from_uuid(row.uuid("id")?),
        email: row.parsed("email")?,
        nickname: row.optional("nickname", Row::parsed)?,
        locked: row.get("locked")?,
        created_at: row.time("created_at")?,
    })
}

fn with_password(row: Row<'_>) -> Result<(User, PasswordHash), StoreError> {
    let password: &str = row.get("password_hash")?;
    Ok((from_row(row)?, PasswordHash::new(password)))
}

#[async_trait]
impl Users for PostgresStore {
    async fn insert_user(
        &self,
        user: &User,
        password: &PasswordHash,
    ) -> Result<Result<(), EmailTaken>, StoreError> {
        let insertion = USERS.insertion();
        let statement = format!("{insertion} ON CONFLICT (email) DO NOTHING RETURNING id");
        let values = USERS.values(&(user.clone(), password.clone()))?;
        let added = self.steps.write(&statement, &values.refs()).await;
        Ok(match added?.is_empty() {
            true => Err(EmailTaken),
            false => Ok(()),
        })
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let columns = USERS.list();
            format!("SELECT {columns} FROM users u WHERE u.id = $1")
        });
        let rows = self.steps.read(&STATEMENT, &[&id.uuid()]).await?;
        rows.first().map(|it| from_row(USERS.row(it))).transpose()
    }

    async fn user_by_email(
        &self,
        email: &Email,
    ) -> Result<Option<(User, PasswordHash)>, StoreError> {
        static STATEMENT: LazyLock<String> = LazyLock::new(|| {
            let columns = USERS.list();
            format!("SELECT {columns} FROM users u WHERE u.email = $1")
        });
        let rows = self.steps.read(&STATEMENT, &[&email.as_str()]).await?;
        let found = rows.first().map(|it| with_password(USERS.row(it)));
        found.transpose()
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        let columns = USERS.list();
        let statement = format!("SELECT {columns} FROM users u ORDER BY u.created_at, u.id");
        let rows = self.steps.read(&statement, &[]).await?;
        rows.iter().map(|it| from_row(USERS.row(it))).collect()
    }

    async fn rehash_password(
        &self,
        id: UserId,
        before: &PasswordHash,
        next: &PasswordHash,
    ) -> Result<(), StoreError> {
        let statement = "
            UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
        let rehashed = self
            .steps
            .write(statement, &[&id.uuid(), &before.as_str(), &next.as_str()])
            .await;
        rehashed.map(drop)
    }

    async fn update_user(
        &self,
        before: &User,
        next: &User,
    ) -> Result<Result<bool, EmailTaken>, StoreError> {
        let statement = "
            UPDATE users SET email = $4, nickname = $5
            WHERE id = $1 AND email = $2 AND nickname IS NOT DISTINCT FROM $3";
        let nickname = |it: &User| it.nickname.as_ref().map(ToString::to_string);
        let changed = self.steps.transact(|transaction| {
            let (before, next) = (before.clone(), next.clone());
            Box::pin(async move {
                let params: Params<'_> = &[
                    &next.id.uuid(),
                    &before.email.as_str(),
                    &nickname(&before),
                    &next.email.as_str(),
                    &nickname(&next),
                ];
                execute(transaction, statement, params).await
            })
        });
        match changed.await {
            Err(trouble) if trouble.is_taken() => Ok(Err(EmailTaken)),
            changed => Ok(Ok(changed? > 0)),
        }
    }

    async fn reset_password(
        &self,
        id: UserId,
        password: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let done = self.steps.transact(|transaction| {
            let password = password.clone();
            Box::pin(async move {
                // First the user, whom a sign-in locks too: none begins in between.
                let statement = "UPDATE users SET password_hash = $2 WHERE id = $1";
                let params: Params<'_> = &[&id.uuid(), &password.as_str()];
                let found = execute(transaction, statement, params).await? > 0;
                notices::end_sessions(transaction, Ending::User(id.uuid())).await?;
                Ok(found)
            })
        });
        Ok(done.await?)
    }

    async fn lock_user(&self, id: UserId, locked: bool) -> Result<bool, StoreError> {
        let done = self.steps.transact(|transaction| {
            Box::pin(async move {
                // First the user, whom a sign-in locks too: none begins in between.
                let statement = "UPDATE users SET locked = $2 WHERE id = $1";
                let found = execute(transaction, statement, &[&id.uuid(), &locked]).await? > 0;
                if locked {
                    notices::end_sessions(transaction, Ending::User(id.uuid())).await?;
                }
                Ok(found)
            })
        });
        Ok(done.await?)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let id = id.uuid();
        let marked = self.steps.transact(|transaction| {
            Box::pin(async move { deleted::mark_user(transaction, id).await })
        });
        let marked = marked.await?;
        if marked {
            self.begin_to_remove(Deleted::User, id).await;
        }
        Ok(marked)
    }
}
