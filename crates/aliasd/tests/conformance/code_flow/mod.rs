//! What Basic OP and Form Post OP ask alike: the same modules, answered by different ways.
//!
//! | room | modules about |
//! |---|---|
//! | `requests` | requests that succeed, and such that are refused |
//! | `userinfo` | userinfo, scopes and claims |
//! | `sessions` | who is asked to sign in, and when |
//! | `tokens` | ID tokens, codes and refresh tokens |

mod requests;
mod sessions;
mod tokens;
mod userinfo;

use crate::{
    browser::{Browser, Person},
    relying_party::{Client, Mode, RelyingParty, Request, SignIn},
    service::Service,
};

pub(crate) use {requests::*, sessions::*, tokens::*, userinfo::*};

/// The tests of a plan: each module of the plan, in its order.
macro_rules! code_flow_plan {
    ($mode:expr) => {
        $crate::code_flow::code_flow_plan! { $mode;
            oidcc_server
            oidcc_response_type_missing
            oidcc_idtoken_signature
            oidcc_idtoken_unsigned
            oidcc_userinfo_get
            oidcc_userinfo_post_header
            oidcc_userinfo_post_body
            oidcc_ensure_request_without_nonce_succeeds_for_code_flow
            oidcc_scope_profile
            oidcc_scope_email
            oidcc_scope_address
            oidcc_scope_phone
            oidcc_scope_all
            oidcc_alternate_happy_flow
            oidcc_display_page
            oidcc_display_popup
            oidcc_prompt_login
            oidcc_prompt_none_not_logged_in
            oidcc_prompt_none_logged_in
            oidcc_max_age_1
            oidcc_max_age_10000
            oidcc_ensure_request_with_unknown_parameter_succeeds
            oidcc_id_token_hint
            oidcc_login_hint
            oidcc_ui_locales
            oidcc_claims_locales
            oidcc_ensure_request_with_acr_values_succeeds
            oidcc_codereuse
            oidcc_codereuse_30seconds
            oidcc_ensure_registered_redirect_uri
            oidcc_ensure_post_request_succeeds
            oidcc_server_client_secret_post
            oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported
            oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported
            oidcc_claims_essential
            oidcc_ensure_request_object_with_redirect_uri
            oidcc_refresh_token
            oidcc_ensure_request_with_valid_pkce_succeeds
        }
    };
    ($mode:expr; $($module:ident)*) => {
        $(
            #[actix_web::test]
            async fn $module() {
                $crate::code_flow::later::begin();
                $crate::code_flow::$module($mode).await;
            }
        )*
    };
}
pub(crate) use code_flow_plan;

/// What a module begins with: a client, a browser at which nobody is signed in, and somebody who
/// has granted nothing.
pub(crate) struct Scene {
    pub(crate) rp: RelyingParty,
    pub(crate) browser: Browser,
    pub(crate) person: Person,
}

impl Scene {
    pub(crate) async fn begin(mode: Mode) -> Self {
        Self::of(&Service::shared().basic, mode).await
    }

    pub(crate) async fn of(client: &Client, mode: Mode) -> Self {
        let service = Service::shared();
        Self {
            rp: RelyingParty::discover(service, client, mode).await,
            browser: Browser::open(service),
            person: service.newcomer(),
        }
    }

    /// Signs in, with whatever the person is asked on the way.
    pub(crate) async fn sign_in(&self, request: &Request) -> SignIn {
        let person = Some(&self.person);
        self.rp.sign_in(&self.browser, request, person).await
    }

    /// The same, where nobody may be asked anything.
    async fn sign_in_unseen(&self, request: &Request) -> SignIn {
        let signed_in = self.rp.sign_in(&self.browser, request, None).await;
        assert!(!signed_in.visit.asked());
        signed_in
    }

    /// A whole sign-in with one more parameter, which changes nothing.
    async fn succeeds_with(mode: Mode, name: &'static str, value: &str) {
        let scene = Self::begin(mode).await;
        scene.sign_in(&scene.rp.request().with(name, value)).await;
    }
}
