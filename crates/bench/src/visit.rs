//! What a client does at the service, turn by turn.

use std::{collections::VecDeque, net::SocketAddr};

use alias_domain::{SigningAlgorithm, testing::sample};
use anyhow::{Context, Result};
use async_trait::async_trait;
use clap::ValueEnum;

use crate::{
    drive::Work,
    http::{Ask, Connection},
    population::{self, Member, Mint},
    share::Share,
};

/// A path that is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Path {
    /// From an authorization request to the tokens.
    Flow,
    Authorize,
    Exchange,
    Refresh,
    #[value(name = "userinfo")]
    UserInfo,
    Introspection,
    /// Of a user token.
    Revocation,
    Discovery,
    KeySet,
}

impl Path {
    pub(crate) const ALL: [Self; 9] = [
        Self::Flow,
        Self::Authorize,
        Self::Exchange,
        Self::Refresh,
        Self::UserInfo,
        Self::Introspection,
        Self::Revocation,
        Self::Discovery,
        Self::KeySet,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Authorize => "authorize",
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::UserInfo => "userinfo",
            Self::Introspection => "introspection",
            Self::Revocation => "revocation",
            Self::Discovery => "discovery",
            Self::KeySet => "key set",
        }
    }
}

/// A request that is ready to be sent, and the status that answers it.
struct Request {
    path: String,
    authorization: String,
    cookie: String,
    form: Option<String>,
    status: u16,
    /// Whose it is, for what comes after it.
    member: Member,
}

/// One connection that goes one path again and again.
pub(crate) struct Visitor {
    way: Path,
    connection: Connection,
    mint: Mint,
    share: Share,
    /// Whose ID tokens are signed so, if it matters.
    algorithm: Option<SigningAlgorithm>,
    ready: VecDeque<Request>,
}

impl Visitor {
    pub(crate) fn new(
        way: Path,
        address: SocketAddr,
        mint: Mint,
        share: Share,
        algorithm: Option<SigningAlgorithm>,
    ) -> Self {
        Self {
            way,
            connection: Connection::to(address),
            mint,
            share,
            algorithm,
            ready: VecDeque::new(),
        }
    }

    fn next_member(&mut self) -> Member {
        loop {
            let member = self.share.next();
            if self.algorithm.is_none_or(|it| it == member.algorithm()) {
                return member;
            }
        }
    }

    async fn next_request(&mut self) -> Result<Request> {
        let member = self.next_member();
        Ok(match self.way {
            Path::Flow | Path::Authorize => authorize(member),
            Path::Exchange => {
                let code = self.code(&authorize(member)).await?;
                exchange(member, &code)
            }
            Path::Refresh => {
                let token = self.mint.refresh_token(member, self.share.rotate(member))?;
                let form = format!("grant_type=refresh_token&refresh_token={}", token.expose());
                posted("/api/oauth2/token", member, form)
            }
            Path::UserInfo => Request {
                authorization: format!("Bearer {}", self.mint.user_token(member)?.expose()),
                ..get("/api/oauth2/userinfo", member)
            },
            Path::Introspection => {
                let form = format!("token={}", self.mint.user_token(member)?.expose());
                posted("/api/oauth2/introspect", member, form)
            }
            Path::Revocation => {
                let form = format!("token={}", self.mint.user_token(member)?.expose());
                posted("/api/oauth2/revoke", member, form)
            }
            Path::Discovery => get("/.well-known/openid-configuration", member),
            Path::KeySet => get("/.well-known/jwks.json", member),
        })
    }

    async fn send(&mut self, request: &Request) -> Result<crate::http::Answer> {
        let ask = Ask {
            path: &request.path,
            authorization: &request.authorization,
            cookie: &request.cookie,
            form: request.form.clone(),
        };
        self.connection.expect(request.status, ask).await
    }

    async fn code(&mut self, request: &Request) -> Result<String> {
        self.send(request).await?.redirected_with("code")
    }
}

fn get(path: &str, member: Member) -> Request {
    Request {
        path: path.to_owned(),
        authorization: String::new(),
        cookie: String::new(),
        form: None,
        status: 200,
        member,
    }
}

fn posted(path: &str, member: Member, form: String) -> Request {
    Request {
        authorization: member.basic(),
        form: Some(form),
        ..get(path, member)
    }
}

fn authorize(member: Member) -> Request {
    let path = format!(
        "/oauth2/authorize?response_type=code&client_id={}&redirect_uri={}&scope={}&channels={}\
         &state=af0ifjsldkj&nonce=n-0S6_WzA2Mj",
        member.client_id(),
        sample::REDIRECT_URI,
        population::scope(),
        population::channels(),
    );
    Request {
        cookie: member.cookie(),
        status: 303,
        ..get(&path, member)
    }
}

fn exchange(member: Member, code: &str) -> Request {
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={}",
        sample::REDIRECT_URI
    );
    posted("/api/oauth2/token", member, form)
}

#[async_trait(?Send)]
impl Work for Visitor {
    async fn stock(&mut self, turns: usize) -> Result<()> {
        if self.way == Path::Exchange {
            // It asks while it gets ready.
            self.connection.reopen().await?;
        }
        while self.ready.len() < turns {
            let next = self.next_request().await?;
            self.ready.push_back(next);
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        self.connection.reopen().await
    }

    async fn turn(&mut self) -> Result<bool> {
        let Some(request) = self.ready.pop_front() else {
            return Ok(false);
        };
        let answer = self.send(&request).await?;
        if self.way == Path::Flow {
            let code = answer.redirected_with("code").context("the flow")?;
            self.send(&exchange(request.member, &code)).await?;
        }
        Ok(true)
    }
}
