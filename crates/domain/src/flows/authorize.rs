use chrono::{DateTime, TimeDelta, Utc};

use super::{Present, Provider, Visitor};
use crate::{
    Access, AuthorizationId, AuthorizationRequest, Capsule, Client, ClientId, CodeBinding, Email,
    ErrorCode, Form, FormPurpose, Interaction, InteractionId, Lifetimes, NewAuthorization,
    PageError, Params, Reply, RequestError, RequestRecord, Response, Screen, Secret, Session,
    Situation, Step, UserId, anticipate, decide,
    ports::{Anticipated, Failure, Recorded},
    requested_callback, requested_client,
};

/// What an authorization request comes to, for now.
///
/// ```
/// use alias_domain::{PageError, flows::Outcome};
/// let outcome = Outcome::Page(PageError::MissingClient, None);
/// ```
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Show an error page and redirect nowhere. The client is the one that asks, where that is known.
    Page(PageError, Option<Box<Client>>),
    /// Answer the client.
    Respond(Response),
    /// Tell the client what is wrong.
    Refuse(Box<Refused>),
    /// Ask the user.
    Ask(Box<Ask>),
    /// No such interaction, or another browser's. The client is the one that asked, where that is known.
    UnknownInteraction(Option<Box<Client>>),
    /// The client that asked is not registered any more.
    ClientGone,
    /// The interaction had its answer. The client is the one that asked, if it is still there.
    AlreadyAnswered(Option<Box<Client>>),
    /// There were too many requests like this one: come again after so long.
    TooMany(TimeDelta),
}

/// A request that is answered with an error.
///
/// ```
/// # use alias_domain::{ErrorCode, flows::Refused};
/// fn is_a_no(refused: &Refused) -> bool {
///     refused.error.code == ErrorCode::AccessDenied
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Refused {
    /// Who asked.
    pub client: ClientId,
    /// What is wrong.
    pub error: RequestError,
    /// What the client is told, on its way.
    pub response: Response,
}

/// What the user is asked.
///
/// ```
/// # use alias_domain::flows::{Ask, Stage};
/// fn asks_for_consent(ask: &Ask) -> bool {
///     matches!(ask.stage, Stage::Consent { .. })
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Ask {
    /// The interaction.
    pub interaction: InteractionId,
    /// Who asks.
    pub client: Client,
    /// Where the answer will go.
    pub reply: Reply,
    /// Whether another user may answer: not where the request is about one in particular.
    pub open_to_others: bool,
    /// What is asked.
    pub stage: Stage,
    /// The token of the page's form.
    pub form: Secret,
}

/// The question.
///
/// ```
/// # use alias_domain::flows::Stage;
/// let first_visit = Stage::SignIn { known: None, hint: None };
/// ```
#[derive(Clone, Debug)]
pub enum Stage {
    /// Who are you?
    SignIn {
        /// The session whose user must authenticate again.
        known: Option<Session>,
        /// The address that the client guesses.
        hint: Option<Email>,
    },
    /// Which of these are you?
    ChooseAccount {
        /// The sessions at this browser.
        sessions: Vec<Session>,
    },
    /// What do you allow?
    Consent {
        /// Who is asked.
        session: Session,
        /// What is shown.
        screen: Screen,
    },
}

/// A request that was found sound, with who asks.
pub(super) struct Sound {
    pub(super) client: Client,
    pub(super) request: AuthorizationRequest,
    pub(super) reply: Reply,
}

impl Provider {
    /// Takes an authorization request as far as it goes without asking anybody.
    ///
    /// # Errors
    /// If the store or the cryptography fails; no code is handed out then.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// let outcome = provider.authorize(&Params::parse(""), &visitor, sample::NOON).await?;
    /// assert!(matches!(outcome, Outcome::Page(PageError::MissingClient, None)));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn authorize(
        &self,
        params: &Params,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<Outcome, Failure> {
        let sound = match self.sound(params).await? {
            Ok(sound) => sound,
            Err(outcome) => return Ok(outcome),
        };
        let anticipated = anticipate(&sound.request, &sound.client).map(|access| Anticipated {
            id: AuthorizationId::fresh(now, self.ports.chance.id()),
            client_id: sound.client.id,
            binding: CodeBinding::of(&sound.request),
            code_expires_at: now + self.lifetimes.auth_code,
            access,
        });
        let (present, is_issued) = self
            .present_to(visitor, sound.client.id, anticipated.as_ref(), now)
            .await?;
        let issued = anticipated.filter(|_| is_issued);
        self.advance(&sound, None, issued, &present, now).await
    }

    /// Takes an interaction as far as it goes without asking anybody more.
    ///
    /// # Errors
    /// If the store or the cryptography fails; nothing is half done then.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// let present = provider.present(&visitor, sample::NOON).await?;
    /// let outcome = provider.resume(sample::interaction().id, &present, sample::NOON).await?;
    /// assert!(matches!(outcome, Outcome::UnknownInteraction(_)));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn resume(
        &self,
        id: InteractionId,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Outcome, Failure> {
        let interaction = match self.open(id, present, now).await? {
            Ok(interaction) => interaction,
            Err(outcome) => return Ok(outcome),
        };
        match self.kept(&interaction).await? {
            Ok(sound) => {
                self.advance(&sound, Some(&interaction), None, present, now)
                    .await
            }
            Err(outcome) => Ok(outcome),
        }
    }

    /// What is wrong with an interaction, before its form is read: `None` if it is this visitor's and
    /// waits for an answer. The form's token is asked only for who the client was.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// # let provider = provider(MemoryStore::default());
    /// # let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// # let present = provider.present(&visitor, sample::NOON).await?;
    /// let wrong = provider.fault(sample::interaction().id, "a guess", &present, sample::NOON).await?;
    /// assert!(matches!(wrong, Some(Outcome::UnknownInteraction(_))));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn fault(
        &self,
        id: InteractionId,
        form: &str,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Option<Outcome>, Failure> {
        Ok(match self.open(id, present, now).await? {
            Ok(_) => None,
            Err(Outcome::UnknownInteraction(_)) => Some(self.unknown(form, present).await?),
            Err(outcome) => Some(outcome),
        })
    }

    /// The interaction, if it is this visitor's and waits for an answer.
    pub(super) async fn open(
        &self,
        id: InteractionId,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Result<Interaction, Outcome>, Failure> {
        Ok(match self.own(id, present, now).await? {
            Some(interaction) if interaction.answered => {
                Err(self.answered_already(&interaction).await?)
            }
            Some(interaction) => Ok(interaction),
            None => Err(Outcome::UnknownInteraction(None)),
        })
    }

    /// The interaction, if it is this visitor's.
    pub(super) async fn own(
        &self,
        id: InteractionId,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Option<Interaction>, Failure> {
        let found = self.store().interaction(id, now).await?;
        let sound = found.filter(|it| !it.is_misdated(now));
        Ok(sound.filter(|it| present.is_bound_to(it.binding)))
    }

    pub(super) async fn answered_already(
        &self,
        interaction: &Interaction,
    ) -> Result<Outcome, Failure> {
        let client = self.store().client(interaction.client_id).await?;
        Ok(Outcome::AlreadyAnswered(client.map(Box::new)))
    }

    /// The request of an interaction, which was found sound when it came.
    pub(super) async fn kept(
        &self,
        interaction: &Interaction,
    ) -> Result<Result<Sound, Outcome>, Failure> {
        let Some(client) = self.store().client(interaction.client_id).await? else {
            return Ok(Err(Outcome::ClientGone));
        };
        Ok(match interaction.request.restored(&client) {
            Ok((request, reply)) => Ok(Sound {
                client,
                request,
                reply,
            }),
            Err(error) => Err(Outcome::Page(error, Some(Box::new(client)))),
        })
    }

    /// Everything that can be said of a request before its user is known (R14).
    async fn sound(&self, params: &Params) -> Result<Result<Sound, Outcome>, Failure> {
        let client = match requested_client(params) {
            Ok(id) => self
                .store()
                .client(id)
                .await?
                .ok_or(PageError::UnknownClient),
            Err(error) => Err(error),
        };
        let client = match client {
            Ok(client) => client,
            Err(error) => return Ok(Err(Outcome::Page(error, None))),
        };
        let callback = match requested_callback(params, &client) {
            Ok(callback) => callback,
            Err(error) => return Ok(Err(Outcome::Page(error, Some(Box::new(client))))),
        };
        let reply = Reply::requested(params, callback.clone());
        let request =
            AuthorizationRequest::parse(params, &client, callback).and_then(|request| match params
                .text(
                "id_token_hint",
            )? {
                Some(token) => request.by_hint(self.hint(token).as_ref(), &client),
                None => Ok(request),
            });
        Ok(match request {
            Ok(request) => Ok(Sound {
                client,
                request,
                reply,
            }),
            Err(error) if error.code == ErrorCode::RequestNotSupported => {
                Err(self.refused(&client, &reply.by_refused_object(params), error))
            }
            Err(error) => Err(self.refused(&client, &reply, error)),
        })
    }

    pub(super) fn refused(&self, client: &Client, reply: &Reply, error: RequestError) -> Outcome {
        Outcome::Refuse(Box::new(Refused {
            client: client.id,
            response: reply.error(&error, &self.issuer),
            error,
        }))
    }

    /// The users whom a request is about, where it says so.
    async fn users(&self, sound: &Sound) -> Result<Option<Vec<UserId>>, Failure> {
        let Some(subjects) = sound.request.subjects() else {
            return Ok(None);
        };
        let mut users = Vec::new();
        for subject in subjects {
            users.extend(self.store().known_as(*subject, sound.client.id).await?);
        }
        Ok(Some(users))
    }

    /// Goes on as the rules say with what is known. `issued` is what a store issued as it was
    /// anticipated.
    async fn advance(
        &self,
        sound: &Sound,
        interaction: Option<&Interaction>,
        mut issued: Option<Anticipated>,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Outcome, Failure> {
        let account = interaction.and_then(|it| it.account);
        let users = self.users(sound).await?;
        let session = match (account, &users) {
            (Some(chosen), _) => self.session_here(chosen.session, present, now).await?,
            (None, Some(users)) => present.latest_of(users),
            (None, None) => present.likely(sound.request.login_hint.as_ref()),
        };
        // A session that stands in for the chosen one has a sign-in of its own: it must be as recent.
        let authenticated_here = interaction.zip(account).is_some_and(|(asked, chosen)| {
            let is_recent = session
                .is_some_and(|it| it.id == chosen.session || it.auth_time >= asked.opened_at());
            chosen.authenticated && is_recent
        });
        // What is issued must be covered at the moment of issuing. When the user changes the
        // connection just then, the decision is taken again, on what it has become.
        let client = sound.client.id;
        let mut known = session.and_then(|it| present.connection(it.user.id, client));
        for _ in 0..4 {
            let connection = match (known.take(), session) {
                (Some(known), _) => known.cloned(),
                (None, Some(it)) => self.store().connection(it.user.id, client).await?,
                (None, None) => None,
            };
            let step = decide(
                &sound.request,
                &Situation {
                    client: &sound.client,
                    session,
                    account_chosen: account.is_some(),
                    authenticated_here,
                    connection: connection.as_ref().map(|it| &it.access),
                    users: users.as_deref(),
                    now,
                },
            );
            if let Some(issued) = issued.take() {
                if matches!(&step, Step::Issue(access) if *access == issued.access) {
                    return self.hand_out(sound, issued.id);
                }
                // The client is not what this node knew when it anticipated. Nobody has the code.
                self.store().end_authorization(issued.id).await?;
            }
            let stage = match (step, session) {
                (Step::Refuse(error), _) => {
                    return Ok(self.refused(&sound.client, &sound.reply, error));
                }
                (Step::Issue(access), Some(session)) => {
                    match self
                        .issue(sound, &access, session, interaction, now)
                        .await?
                    {
                        Some(outcome) => return Ok(outcome),
                        None => continue,
                    }
                }
                (Step::AskConsent(screen), Some(session)) => Stage::Consent {
                    session: session.clone(),
                    screen,
                },
                (Step::ChooseAccount, _) => Stage::ChooseAccount {
                    sessions: present.sessions().cloned().collect(),
                },
                (Step::Authenticate | Step::Issue(_) | Step::AskConsent(_), session) => {
                    Stage::SignIn {
                        known: session.cloned(),
                        hint: sound.request.login_hint.clone(),
                    }
                }
            };
            let id = match interaction {
                Some(it) => it.id,
                None => match self.admitted(present) {
                    Ok(()) => self.open_interaction(sound, present, now).await?,
                    Err(wait) => return Ok(Outcome::TooMany(wait)),
                },
            };
            return self.ask(sound, id, stage, present).map(Outcome::Ask);
        }
        let busy = RequestError::new(ErrorCode::TemporarilyUnavailable, "try again");
        Ok(self.refused(&sound.client, &sound.reply, busy))
    }

    /// Issues a code without asking; `None` if the decision must be taken again.
    async fn issue(
        &self,
        sound: &Sound,
        access: &Access,
        session: &Session,
        interaction: Option<&Interaction>,
        now: DateTime<Utc>,
    ) -> Result<Option<Outcome>, Failure> {
        let new = self.new_authorization(sound, session.user.id, interaction, now);
        let answered = interaction.map(|it| it.id);
        let recorded = self
            .store()
            .issue(&new, access, session.id, answered, now)
            .await?;
        Ok(match recorded {
            Recorded::Issued => Some(self.hand_out(sound, new.id)?),
            Recorded::AlreadyAnswered => Some(Outcome::AlreadyAnswered(Some(Box::new(
                sound.client.clone(),
            )))),
            Recorded::Changed | Recorded::NotShown => None,
        })
    }

    pub(super) fn new_authorization(
        &self,
        sound: &Sound,
        user_id: UserId,
        interaction: Option<&Interaction>,
        now: DateTime<Utc>,
    ) -> NewAuthorization {
        let id = interaction.map(Interaction::authorization);
        NewAuthorization {
            id: id.unwrap_or_else(|| AuthorizationId::fresh(now, self.ports.chance.id())),
            client_id: sound.client.id,
            user_id,
            binding: CodeBinding::of(&sound.request),
            code_expires_at: now + self.lifetimes.auth_code,
        }
    }

    pub(super) fn hand_out(
        &self,
        sound: &Sound,
        authorization: AuthorizationId,
    ) -> Result<Outcome, Failure> {
        let code = self.ports.sealer.seal(&Capsule::Code { authorization })?;
        Ok(Outcome::Respond(sound.reply.code(&code, &self.issuer)))
    }

    /// What is kept costs room, and strangers could fill it: whoever is signed in is none.
    fn admitted(&self, present: &Present) -> Result<(), TimeDelta> {
        match present.latest() {
            Some(_) => Ok(()),
            None => self.ports.limits.admit_request(present.source()),
        }
    }

    async fn open_interaction(
        &self,
        sound: &Sound,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<InteractionId, Failure> {
        let interaction = Interaction {
            id: InteractionId::from_uuid(self.ports.chance.id()),
            binding: present.binding(),
            client_id: sound.client.id,
            request: RequestRecord::new(&sound.request, &sound.reply),
            account: None,
            answered: false,
            denied: false,
            expires_at: now + Lifetimes::INTERACTION,
        };
        self.store().open_interaction(&interaction).await?;
        Ok(interaction.id)
    }

    fn ask(
        &self,
        sound: &Sound,
        interaction: InteractionId,
        stage: Stage,
        present: &Present,
    ) -> Result<Box<Ask>, Failure> {
        let purpose = match &stage {
            Stage::Consent { session, screen } => FormPurpose::Consent {
                interaction,
                session: session.id,
                screen: screen.clone(),
                client: Some(sound.client.id),
            },
            Stage::SignIn { .. } | Stage::ChooseAccount { .. } => FormPurpose::Interaction {
                interaction,
                client: Some(sound.client.id),
            },
        };
        Ok(Box::new(Ask {
            interaction,
            client: sound.client.clone(),
            reply: sound.reply.clone(),
            open_to_others: sound.request.subjects().is_none(),
            form: self.form(present, purpose)?,
            stage,
        }))
    }

    /// Seals the token of a form that is shown to this visitor.
    ///
    /// # Errors
    /// If the cryptography fails.
    ///
    /// ```
    /// # use alias_domain::{FormPurpose, flows::{Present, Provider}, ports::Failure};
    /// fn form_token(provider: &Provider, present: &Present) -> Result<String, Failure> {
    ///     Ok(provider.form(present, FormPurpose::SignIn)?.expose().to_owned())
    /// }
    /// ```
    pub fn form(&self, present: &Present, purpose: FormPurpose) -> Result<Secret, Failure> {
        let binding = present.binding();
        self.ports
            .sealer
            .seal(&Capsule::Form(Form { binding, purpose }))
    }

    /// What a form that was shown to this visitor is about; `None` for any other text.
    ///
    /// ```
    /// # use alias_domain::{FormPurpose, flows::{Present, Provider}};
    /// fn is_sign_in(provider: &Provider, present: &Present, token: &str) -> bool {
    ///     provider.opened_form(present, token) == Some(FormPurpose::SignIn)
    /// }
    /// ```
    #[must_use]
    pub fn opened_form(&self, present: &Present, token: &str) -> Option<FormPurpose> {
        match self.ports.sealer.open(token)? {
            Capsule::Form(form) if present.is_bound_to(form.binding) => Some(form.purpose),
            _ => None,
        }
    }
}
