//! What each package does with Alias, by its defaults unless a test's name says otherwise.

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

/// A user may allow less than is asked for, and what refreshes goes on with that.
async fn one_unticked_then_refresh(package: &str) {
    let visit = Visit::to(package).await;
    visit.sign_in_without_nickname().await;
    assert_eq!(visit.userinfo().await.get("nickname"), None);
    visit.refresh().await;
    visit.chromium.close().await;
}

mod openid_client {
    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("openid-client").await;
    }

    #[actix_web::test]
    async fn refreshes_with_one_box_left_unticked() {
        super::one_unticked_then_refresh("openid-client").await;
    }
}

mod oauth4webapi {
    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("oauth4webapi").await;
    }

    #[actix_web::test]
    async fn refreshes_with_one_box_left_unticked() {
        super::one_unticked_then_refresh("oauth4webapi").await;
    }
}

mod oidc_client_ts {
    use super::Visit;

    /// A page at another origin, by scripts alone. A public client has no refresh.
    #[actix_web::test]
    async fn signs_in_revokes_and_signs_out_by_a_page_alone() {
        let visit = Visit::to("oidc-client-ts").await;
        visit.sign_in().await;
        assert_eq!(visit.userinfo().await["nickname"], "Fred");
        assert!(visit.has_asked_userinfo());
        visit.sign_out().await;

        visit.chromium.goto(&visit.party_page()).await;
        visit.sign_in().await;
        visit.userinfo().await;
        visit.chromium.press("#revoke").await;
        let refused = visit.chromium.shown("#revoked").await;
        assert_eq!(refused, "401 Bearer error=\"invalid_token\"");
        visit.chromium.close().await;
    }
}

mod openidconnect {
    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("openidconnect").await;
    }

    #[actix_web::test]
    async fn refreshes_with_one_box_left_unticked() {
        super::one_unticked_then_refresh("openidconnect").await;
    }
}

mod authlib {
    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("authlib").await;
    }

    #[actix_web::test]
    async fn refreshes_with_one_box_left_unticked() {
        super::one_unticked_then_refresh("authlib").await;
    }
}

mod idpyoidc {
    use super::Visit;

    #[actix_web::test]
    async fn signs_in_refreshes_and_signs_out() {
        super::everything("idpyoidc").await;
    }

    #[actix_web::test]
    async fn refreshes_with_one_box_left_unticked() {
        super::one_unticked_then_refresh("idpyoidc").await;
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

    /// It repeats the scope that it is configured with, and goes on with what it has.
    #[actix_web::test]
    async fn does_not_refresh_with_one_box_left_unticked_and_stays_signed_in() {
        let visit = Visit::to("mod_auth_openidc").await;
        visit.sign_in_without_nickname().await;
        assert_eq!(visit.userinfo().await.get("nickname"), None);
        visit
            .refresh_is_refused("scope has nickname, which is not granted")
            .await;
        visit.chromium.close().await;
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

    /// Its own page stands before that of Alias.
    async fn sign_in(visit: &Visit) {
        visit.chromium.press("#sign-in").await;
        visit.chromium.press("form button[type=submit]").await;
        visit.allow_all().await;
    }

    /// It asks for `profile` and `email` too, which Alias ignores; it has no refresh, and signs out
    /// here alone.
    #[actix_web::test]
    async fn signs_in_by_the_id_token_alone_and_signs_out_here() {
        let visit = Visit::to("auth-core").await;
        sign_in(&visit).await;
        // The party shows the claims that the package took: `aud` is in no userinfo.
        let claims = visit.userinfo().await;
        assert_eq!(claims["aud"], visit.client_id.as_str());
        assert_eq!(claims.get("email"), None);
        assert_eq!(claims["session"], json!({"id": claims["sub"]}));
        assert!(!visit.has_asked_userinfo());
        visit.chromium.press("#sign-out").await;
        visit.chromium.press("form button[type=submit]").await;
        visit.is_signed_out_here().await;
        assert!(visit.is_signed_in_at_alias().await);
        visit.chromium.close().await;
    }

    #[actix_web::test]
    async fn with_id_token_false_signs_in_by_userinfo() {
        let visit = Visit::with("auth-core", &[("ID_TOKEN", "false")]).await;
        sign_in(&visit).await;
        let claims = visit.userinfo().await;
        let sub = &claims["sub"];
        // Nothing that only an ID token has.
        let session = json!({"id": sub, "name": "Fred"});
        let told = json!({"sub": sub, "nickname": "Fred", "session": session});
        assert_eq!(claims, told);
        assert!(visit.has_asked_userinfo());
        visit.chromium.close().await;
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
