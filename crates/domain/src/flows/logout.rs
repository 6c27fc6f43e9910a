use super::{Present, Provider};
use crate::{
    Client, FormPurpose, Hinted, LogoutFault, LogoutRequest, LogoutStep, Params, Secret, Session,
    SessionId, WayBack, chosen_to_end, logout_step,
    ports::{Failure, StoreError},
};

/// What a logout request comes to, for now.
///
/// ```
/// use alias_domain::flows::{Logout, SignedOut};
/// let done = Logout::Done(SignedOut { way_back: None, fault: None });
/// ```
#[derive(Clone, Debug)]
pub enum Logout {
    /// Whoever the request means is signed out.
    Done(SignedOut),
    /// Ask the user.
    Ask(Box<LogoutAsk>),
}

/// Where signing out ends.
///
/// ```
/// use alias_domain::flows::SignedOut;
/// let here = SignedOut { way_back: None, fault: None };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOut {
    /// At the client, or here.
    pub way_back: Option<WayBack>,
    /// What was wrong with the request: then it ends here.
    pub fault: Option<LogoutFault>,
}

/// What a user is asked, before anybody is signed out.
///
/// ```
/// # use alias_domain::flows::LogoutAsk;
/// fn is_about_one(ask: &LogoutAsk) -> bool {
///     ask.sessions.len() == 1
/// }
/// ```
#[derive(Clone, Debug)]
pub struct LogoutAsk {
    /// Who may be signed out.
    pub sessions: Vec<Session>,
    /// Who asks, if that is known.
    pub client: Option<Client>,
    /// Where it ends.
    pub end: SignedOut,
    /// The request without the hint, as a query string: the page and its answer are judged by it. It is
    /// empty where something is wrong with the request.
    pub query: String,
    /// The token of the page's form.
    pub form: Secret,
}

/// Why an answer is refused, with nobody signed out.
///
/// ```
/// assert_ne!(
///     alias_domain::flows::LogoutRefusal::ForeignForm,
///     alias_domain::flows::LogoutRefusal::NotShown
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutRefusal {
    /// The form's token is missing, or of another form, page or browser.
    ForeignForm,
    /// The answer names somebody who was not shown.
    NotShown,
}

/// A request that was found sound, with who asks.
#[derive(Default)]
struct SoundLogout {
    hinted: Option<Hinted>,
    client: Option<Client>,
    way_back: Option<WayBack>,
    logout_hint: Option<String>,
}

impl Provider {
    /// Takes a logout request (RP-Initiated Logout 1.0, 2) as far as it goes without asking.
    ///
    /// # Errors
    /// If the store or the cryptography fails.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// let present = provider.present(&visitor, sample::NOON).await?;
    /// let outcome = provider.log_out(&Params::parse(""), &present).await?;
    /// assert!(matches!(outcome, Logout::Done(SignedOut { way_back: None, fault: None })));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn log_out(&self, params: &Params, present: &Present) -> Result<Logout, Failure> {
        let (sound, fault) = match self.sound_logout(params).await? {
            Ok(sound) => (sound, None),
            Err(fault) => (SoundLogout::default(), Some(fault)),
        };
        let signed_in: Vec<&Session> = present.sessions().collect();
        let logout_hint = sound.logout_hint.as_deref();
        let step = logout_step(sound.hinted.as_ref(), logout_hint, &signed_in);
        let end = SignedOut {
            way_back: sound.way_back,
            fault,
        };
        Ok(match step {
            LogoutStep::End(session) => {
                self.sign_out(session).await?;
                Logout::Done(end)
            }
            LogoutStep::Nobody => Logout::Done(end),
            LogoutStep::Ask(sessions) => Logout::Ask(Box::new(LogoutAsk {
                form: self.form(
                    present,
                    FormPurpose::SignOut {
                        sessions: sessions.clone(),
                    },
                )?,
                sessions: sessions
                    .into_iter()
                    .filter_map(|it| present.session(it).cloned())
                    .collect(),
                query: asked_again(sound.client.as_ref(), &end, params),
                client: sound.client,
                end,
            })),
        })
    }

    /// Takes the answer to the question who is to be signed out: a session, `all` or `none` of those
    /// that were shown. `None` if the user stays signed in.
    ///
    /// # Errors
    /// If the store or the cryptography fails. Some may be signed out then.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// let present = provider.present(&visitor, sample::NOON).await?;
    /// let answer = provider.answer_logout("a guess", "all", &Params::parse(""), &present).await?;
    /// assert_eq!(answer, Err(LogoutRefusal::ForeignForm));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn answer_logout(
        &self,
        form: &str,
        answer: &str,
        params: &Params,
        present: &Present,
    ) -> Result<Result<Option<SignedOut>, LogoutRefusal>, Failure> {
        let Some(FormPurpose::SignOut { sessions }) = self.opened_form(present, form) else {
            return Ok(Err(LogoutRefusal::ForeignForm));
        };
        let Some(chosen) = chosen_to_end(&sessions, answer) else {
            return Ok(Err(LogoutRefusal::NotShown));
        };
        if chosen.is_empty() {
            return Ok(Ok(None));
        }
        for session in chosen {
            self.sign_out(session).await?;
        }
        let judged = self.sound_logout(params).await?;
        Ok(Ok(Some(match judged {
            Ok(sound) => SignedOut {
                way_back: sound.way_back,
                fault: None,
            },
            Err(fault) => SignedOut {
                way_back: None,
                fault: Some(fault),
            },
        })))
    }

    /// Where a user who has signed out goes on by this request, if it is sound.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, testing::{MemoryStore, provider}};
    /// # pollster::block_on(async {
    /// let nowhere = Params::parse("state=s");
    /// assert!(provider(MemoryStore::default()).way_back(&nowhere).await?.is_none());
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn way_back(&self, params: &Params) -> Result<Option<WayBack>, Failure> {
        let sound = self.sound_logout(params).await?;
        Ok(sound.ok().and_then(|it| it.way_back))
    }

    /// Ends a session, and no token (R30). The clients that took part in it are told.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// provider(MemoryStore::default()).sign_out(sample::session().id).await?;
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn sign_out(&self, session: SessionId) -> Result<(), StoreError> {
        self.store().end_session(session).await
    }

    /// Everything that can be said of a logout request without knowing who is there.
    async fn sound_logout(
        &self,
        params: &Params,
    ) -> Result<Result<SoundLogout, LogoutFault>, Failure> {
        let request = match LogoutRequest::parse(params) {
            Ok(request) => request,
            Err(fault) => return Ok(Err(fault)),
        };
        let hint = request
            .id_token_hint
            .as_deref()
            .and_then(|it| self.hint(it));
        let client = match request.named_client(hint.as_ref()) {
            Ok(None) => None,
            Ok(Some(id)) => match self.store().client(id).await? {
                Some(client) => Some(client),
                None => return Ok(Err(LogoutFault::UnknownClient)),
            },
            Err(fault) => return Ok(Err(fault)),
        };
        let way_back = match request.way_back(client.as_ref()) {
            Ok(way_back) => way_back,
            Err(fault) => return Ok(Err(fault)),
        };
        let hinted = match hint {
            Some(hint) => Some(Hinted {
                user: self.store().known_as(hint.sub, hint.aud).await?,
                hint,
            }),
            None => None,
        };
        Ok(Ok(SoundLogout {
            hinted,
            client,
            way_back,
            logout_hint: request.logout_hint,
        }))
    }
}

/// What the page that asks is told of the request. The hint has said what it can say: who asks.
fn asked_again(client: Option<&Client>, end: &SignedOut, params: &Params) -> String {
    if end.fault.is_some() {
        return String::new();
    }
    let mut parts = Vec::new();
    parts.extend(client.map(|it| format!("client_id={}", it.id)));
    let rest = params.to_query(&["post_logout_redirect_uri", "state", "logout_hint"]);
    parts.extend(Some(rest).filter(|it| !it.is_empty()));
    parts.join("&")
}
