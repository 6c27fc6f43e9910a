//! What each package does with Alias, by its defaults.

use serde_json::json;

use crate::visit::Visit;

/// Sign-in, userinfo, refresh and sign-out at Alias, by what is the same for all that can do it.
async fn everything(package: &str) {
    let visit = Visit::to(package).await;
    visit.sign_in().await;
    assert_eq!(visit.userinfo().await["nickname"], "Fred");
    visit.refresh().await;
    visit.sign_out().await;
    visit.chromium.close().await;
}

mod openid_client {
    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("openid-client").await;
    }
}

mod oauth4webapi {
    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("oauth4webapi").await;
    }
}

mod openidconnect {
    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("openidconnect").await;
    }
}

mod authlib {
    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("authlib").await;
    }
}

mod idpyoidc {
    use super::Visit;

    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("idpyoidc").await;
    }

    #[actix_web::test]
    async fn is_told_of_a_sign_out_at_alias() {
        let visit = Visit::to("idpyoidc").await;
        visit.sign_in().await;
        visit.userinfo().await;
        visit.sign_out_at_alias("/").await;
        visit.is_signed_out_here().await;
        visit.chromium.close().await;
    }
}

mod mod_auth_openidc {
    use super::Visit;

    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("mod_auth_openidc").await;
    }

    #[actix_web::test]
    async fn is_told_of_a_sign_out_at_alias() {
        let visit = Visit::to("mod_auth_openidc").await;
        visit.sign_in().await;
        visit.userinfo().await;
        visit.sign_out_at_alias("/notes/").await;
        // Who is signed in nowhere is led to Alias again.
        assert!(visit.chromium.has("input[name=password]").await);
        visit.chromium.close().await;
    }
}

mod auth_core {
    use super::{Visit, json};

    /// It asks for `profile` and `email` too, which Alias ignores; it has no refresh, and signs out
    /// here alone.
    #[actix_web::test]
    async fn signs_in_and_signs_out_here() {
        let visit = Visit::to("auth-core").await;
        visit.chromium.press("#sign-in").await;
        visit.chromium.press("form button[type=submit]").await;
        visit.allow_all().await;
        let user = visit.userinfo().await;
        assert_eq!(user.get("email"), None);
        visit.chromium.press("#sign-out").await;
        visit.chromium.press("form button[type=submit]").await;
        visit.is_signed_out_here().await;
        assert!(visit.is_signed_in_at_alias().await);
        visit.chromium.close().await;
        assert_eq!(user["id"], json!(user["sub"]));
    }
}

mod passport_openidconnect {
    use super::{Visit, json};

    /// It has neither refresh nor sign-out at Alias.
    #[actix_web::test]
    async fn signs_in_and_signs_out_here() {
        let visit = Visit::to("passport-openidconnect").await;
        visit.sign_in().await;
        let user = visit.userinfo().await;
        assert_eq!(user, json!({"sub": user["sub"]}));
        visit.chromium.press("#sign-out").await;
        visit.is_signed_out_here().await;
        assert!(visit.is_signed_in_at_alias().await);
        visit.chromium.close().await;
    }
}
