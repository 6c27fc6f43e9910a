//! Every text that people read, in one place.
//!
//! A translation is another value of [`Text`]; the compiler says what it lacks. Templates hold no
//! prose, only structure.

/// The texts in use.
pub(super) static TEXT: Text = ENGLISH;

/// All texts of one language.
pub(super) struct Text {
    pub(super) language: Language,
    pub(super) alias: &'static str,
    pub(super) motto: &'static str,
    pub(super) error_prefix: &'static str,
    pub(super) sign_in: SignIn,
    pub(super) choose_account: ChooseAccount,
    pub(super) not_taken: NotTaken,
    pub(super) sign_out: SignOut,
    pub(super) consent: Consent,
    pub(super) form_post: FormPost,
    pub(super) moving_on: MovingOn,
    pub(super) permissions: Permissions,
    pub(super) account: Account,
    pub(super) errors: Errors,
}

/// A sentence with one name in it, where `{}` stands. It is kept whole, so that a translation may
/// put the name elsewhere, and cut in two only where the name gets its markup.
pub(super) struct Sentence(&'static str);

impl Sentence {
    const NAME: &'static str = "{}";

    pub(super) fn before(&self) -> &'static str {
        self.0
            .split_once(Self::NAME)
            .map_or(self.0, |(before, _)| before)
    }

    pub(super) fn after(&self) -> &'static str {
        self.0.split_once(Self::NAME).map_or("", |(_, after)| after)
    }
}

pub(super) struct Language {
    /// A language tag (BCP 47).
    pub(super) tag: &'static str,
    /// `ltr` or `rtl`.
    pub(super) direction: &'static str,
}

pub(super) struct SignIn {
    pub(super) title: &'static str,
    pub(super) title_again: &'static str,
    pub(super) for_client: Sentence,
    pub(super) for_oneself: &'static str,
    pub(super) again_for_client: Sentence,
    pub(super) again_for_oneself: &'static str,
    pub(super) failed: &'static str,
    pub(super) email: &'static str,
    pub(super) password: &'static str,
    pub(super) submit: &'static str,
}

/// That an answer did not count any more.
pub(super) struct NotTaken {
    pub(super) signed_out: &'static str,
    pub(super) changed: &'static str,
}

pub(super) struct ChooseAccount {
    pub(super) title: &'static str,
    pub(super) for_client: Sentence,
    pub(super) another: &'static str,
}

pub(super) struct SignOut {
    pub(super) title: &'static str,
    pub(super) title_of_several: &'static str,
    pub(super) asked_by: Sentence,
    pub(super) asked: &'static str,
    pub(super) account: &'static str,
    pub(super) submit: &'static str,
    pub(super) all: &'static str,
    pub(super) stay: &'static str,
    pub(super) account_done: Sentence,
    pub(super) done: &'static str,
    pub(super) done_about: &'static str,
    pub(super) still: &'static str,
    pub(super) still_about: &'static str,
    pub(super) not_sent_back: &'static str,
    pub(super) faults: SignOutFaults,
}

/// What is wrong with a request to sign somebody out, a sentence each.
pub(super) struct SignOutFaults {
    pub(super) repeated: &'static str,
    pub(super) malformed: &'static str,
    pub(super) long_state: &'static str,
    pub(super) hint: &'static str,
    pub(super) unknown_client: &'static str,
    pub(super) disagreement: &'static str,
    pub(super) no_client: &'static str,
    pub(super) unregistered_uri: &'static str,
}

pub(super) struct Consent {
    pub(super) title: &'static str,
    pub(super) asked_by: Sentence,
    pub(super) account: &'static str,
    pub(super) switch_account: &'static str,
    pub(super) destination: &'static str,
    pub(super) permissions: &'static str,
    pub(super) new: &'static str,
    pub(super) granted: &'static str,
    pub(super) required: &'static str,
    pub(super) take_back: &'static str,
    /// Around the names of claims.
    pub(super) nickname_claims: Sentence,
    pub(super) channels: &'static str,
    pub(super) channels_hint: Sentence,
    pub(super) uncounted: &'static str,
    pub(super) count: Sentence,
    pub(super) decision: &'static str,
    pub(super) allow: &'static str,
    pub(super) allow_selected: &'static str,
    pub(super) allow_all: &'static str,
    pub(super) deny: &'static str,
    pub(super) all_is_more: &'static str,
    pub(super) deny_changes_nothing: &'static str,
    pub(super) afterwards: Sentence,
    pub(super) account_page: &'static str,
}

pub(super) struct FormPost {
    pub(super) title: &'static str,
    pub(super) destination: Sentence,
    pub(super) submit: &'static str,
}

pub(super) struct MovingOn {
    pub(super) title: &'static str,
    pub(super) destination: Sentence,
    pub(super) go_on: &'static str,
}

/// The words for one permission.
pub(super) struct Permission {
    /// What it lets the client do, to the question "what may it do?".
    pub(super) title: &'static str,
    /// What that means, and what it does not.
    pub(super) about: &'static str,
}

pub(super) struct Permissions {
    pub(super) openid: Permission,
    pub(super) offline_access: Permission,
    /// What is said of `offline_access` to a client that gets nothing by it.
    pub(super) offline_in_vain: &'static str,
    pub(super) contact: Permission,
    pub(super) nickname: Permission,
    pub(super) meta: Permission,
}

pub(super) struct Account {
    pub(super) title: &'static str,
    pub(super) email: &'static str,
    pub(super) nickname: &'static str,
    pub(super) no_nickname: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) connections: &'static str,
    pub(super) connections_about: &'static str,
    pub(super) no_connections: &'static str,
    pub(super) since: Sentence,
    pub(super) changed_at: Sentence,
    pub(super) channels: Sentence,
    pub(super) revoke: &'static str,
    pub(super) revoke_what: Sentence,
    pub(super) from: Sentence,
    pub(super) revoke_contact_hint: &'static str,
    pub(super) part_of_connection: &'static str,
    pub(super) disconnect: &'static str,
    pub(super) disconnect_whom: Sentence,
    pub(super) disconnect_about: &'static str,
    pub(super) revoked: Sentence,
    pub(super) revoked_from: Sentence,
    pub(super) disconnected: Sentence,
    pub(super) unknown_client: &'static str,
    pub(super) others: &'static str,
    pub(super) others_about: &'static str,
    pub(super) another: &'static str,
}

/// The words for one cause of an error page.
pub(super) struct Explanation {
    pub(super) title: &'static str,
    pub(super) what: &'static str,
    pub(super) next: &'static str,
}

pub(super) struct Errors {
    pub(super) status: Sentence,
    /// What whoever helps is told, and finds in the log.
    pub(super) request: Sentence,
    pub(super) asked_by: Sentence,
    pub(super) back_to: Sentence,
    pub(super) again: &'static str,
    pub(super) unknown_client: Explanation,
    pub(super) missing_client: Explanation,
    pub(super) repeated_parameter: Explanation,
    pub(super) unregistered_redirect_uri: Explanation,
    pub(super) missing_redirect_uri: Explanation,
    pub(super) malformed_parameter: Explanation,
    pub(super) foreign_form: Explanation,
    pub(super) session_ended: Explanation,
    pub(super) form_without_cookies: Explanation,
    pub(super) request_without_cookies: Explanation,
    pub(super) unknown_interaction: Explanation,
    pub(super) expired: Explanation,
    pub(super) client_gone: Explanation,
    pub(super) already_answered: Explanation,
    pub(super) not_shown: Explanation,
    pub(super) not_found: Explanation,
    pub(super) method_not_allowed: Explanation,
    pub(super) too_large: Explanation,
    pub(super) address_too_long: Explanation,
    pub(super) too_many: Explanation,
    pub(super) unavailable: Explanation,
    pub(super) bad_request: Explanation,
}

const ENGLISH: Text = Text {
    language: Language {
        tag: "en",
        direction: "ltr",
    },
    alias: "Alias",
    motto: "To each service a face of its own.",
    error_prefix: "Error:",
    sign_in: SignIn {
        title: "Sign in",
        title_again: "Confirm that it is you",
        for_client: Sentence("You are on your way to {}."),
        for_oneself: "You will see which services know you, and what each may do.",
        again_for_client: Sentence("Before you go on to {}, enter your password once more."),
        again_for_oneself: "Before you go on, enter your password once more.",
        failed: "Email or password is wrong. Check both and try again.",
        email: "Email",
        password: "Password",
        submit: "Sign in",
    },
    not_taken: NotTaken {
        signed_out: "You were signed out meanwhile, so your answer was not taken.",
        changed: "Something changed meanwhile, so your answer was not taken. This is the question as it \
                  stands now.",
    },
    choose_account: ChooseAccount {
        title: "Choose an account",
        for_client: Sentence("Which account do you want to use with {}?"),
        another: "Use another account",
    },
    sign_out: SignOut {
        title: "Sign out of Alias?",
        title_of_several: "Whom do you want to sign out?",
        asked_by: Sentence("{} asks Alias to sign you out."),
        asked: "You are about to sign out of Alias.",
        account: "Signed in as",
        submit: "Sign out",
        all: "Sign out all of them",
        stay: "Stay signed in",
        account_done: Sentence("{} is signed out."),
        done: "You are signed out",
        done_about: "Nobody is signed in to Alias at this browser.",
        still: "Somebody is still signed in",
        still_about: "At this browser, Alias still knows:",
        not_sent_back: "So Alias does not send you back to the service.",
        faults: SignOutFaults {
            repeated: "The link that brought you here says something twice.",
            malformed: "The link that brought you here was damaged on its way.",
            long_state: "The link that brought you here has a state that is longer than Alias takes.",
            hint: "The link that brought you here names you by a token (id_token_hint) that Alias \
                   does not know, or not any more.",
            unknown_client: "The link that brought you here has a client_id that is not registered.",
            disagreement: "The link that brought you here names one service by client_id, and \
                           another by id_token_hint.",
            no_client: "The link that brought you here says where to go, and not who asks.",
            unregistered_uri: "The link that brought you here asks Alias to send you to an address \
                               (post_logout_redirect_uri) that this service has not registered.",
        },
    },
    consent: Consent {
        title: "Choose what to allow",
        asked_by: Sentence("{} asks for your permission"),
        account: "Signed in as",
        switch_account: "Switch account",
        destination: "Your answer goes to",
        permissions: "What may it do?",
        new: "new",
        granted: "allowed before",
        required: "always needed",
        take_back: "Untick what you allowed before to take it back.",
        nickname_claims: Sentence("It is told this name as {}, too."),
        channels: "Kinds of message",
        channels_hint: Sentence("These count only if “{}” above is ticked too."),
        uncounted: "This does not count yet.",
        count: Sentence("Tick “{}” too"),
        decision: "Your decision",
        allow: "Allow",
        allow_selected: "Allow selected",
        allow_all: "Allow all",
        deny: "Deny",
        all_is_more: "“Allow all” also allows what is not ticked.",
        deny_changes_nothing: "“Deny” changes nothing.",
        afterwards: Sentence("Whatever you allow, you can take back on {}."),
        account_page: "your account page",
    },
    form_post: FormPost {
        title: "One step more",
        destination: Sentence("Your answer goes to {}."),
        submit: "Continue",
    },
    moving_on: MovingOn {
        title: "On your way",
        destination: Sentence("Your answer goes to {}."),
        go_on: "Continue",
    },
    permissions: Permissions {
        openid: Permission {
            title: "Know that you are you",
            about: "It gets an ID of your own that no other service sees. It does not get your \
                    email address.",
        },
        offline_access: Permission {
            title: "Act while you are away",
            about: "It may use what you allow here even when you are not using it, until you take it \
                    back.",
        },
        offline_in_vain: "It asks for this, but cannot get it: it is an app that can keep no secret. \
                          It can act only while you use it, whatever you allow.",
        contact: Permission {
            title: "Send you messages",
            about: "Only of the kinds that are ticked below.",
        },
        nickname: Permission {
            title: "Know your nickname",
            about: "The name by which you wish to be known.",
        },
        meta: Permission {
            title: "What you must be told",
            about: "Rare and important: a leak of your data, a change of terms. Always part of \
                    messages.",
        },
    },
    account: Account {
        title: "Your account",
        email: "Email",
        nickname: "Nickname",
        no_nickname: "none",
        sign_out: "Sign out",
        connections: "Connected services",
        connections_about: "Each knows you by another ID, and may do only what is listed here. \
                            What you revoke ends at once.",
        no_connections: "No service is connected. One appears here when you allow it something.",
        since: Sentence("Connected since {}"),
        changed_at: Sentence(", last changed {}"),
        channels: Sentence("{} kinds of message"),
        revoke: "Revoke",
        revoke_what: Sentence("Revoke “{}”"),
        from: Sentence("from {}"),
        revoke_contact_hint: "Revoke this, and every kind of message below ends with it.",
        part_of_connection: "part of being connected",
        disconnect: "Disconnect",
        disconnect_whom: Sentence("Disconnect {}"),
        disconnect_about: "Ends everything above. If you connect again, it will know you again.",
        revoked: Sentence("“{}” is revoked."),
        revoked_from: Sentence("{} can no longer use it."),
        disconnected: Sentence("{} is disconnected. It can do nothing in your name any more."),
        unknown_client: "Nothing was changed: this service is not registered here any more, and can do \
                         nothing in your name.",
        others: "Other accounts",
        others_about: "These are signed in at this browser, too.",
        another: "Sign in with another account",
    },
    errors: Errors {
        status: Sentence("Status {}"),
        request: Sentence("Request ID {}"),
        asked_by: Sentence("You come from {}."),
        back_to: Sentence("Back to {}"),
        again: "Open the page again",
        unknown_client: Explanation {
            title: "Alias does not know this service",
            what: "The link that brought you here has a client_id that is not registered.",
            next: BACK_TO_SERVICE,
        },
        missing_client: Explanation {
            title: "The link does not say who is asking",
            what: "The link that brought you here has no client_id.",
            next: BACK_TO_SERVICE,
        },
        repeated_parameter: Explanation {
            title: "The link contradicts itself",
            what: "It has a client_id or a redirect_uri more than once, so that Alias cannot tell \
                   which one is meant.",
            next: BACK_TO_SERVICE,
        },
        unregistered_redirect_uri: Explanation {
            title: "The way back is not registered",
            what: "The link asks Alias to send you to an address (redirect_uri) that this service \
                   has not registered. That may be a mistake, or somebody’s attempt to pose as \
                   the service. Alias does not send you there.",
            next: BACK_TO_SERVICE,
        },
        missing_redirect_uri: Explanation {
            title: "The link does not say where to return",
            what: "The link that brought you here has no redirect_uri.",
            next: BACK_TO_SERVICE,
        },
        malformed_parameter: Explanation {
            title: "Part of the link cannot be read",
            what: "The link was damaged on its way, or it holds characters that do not belong in \
                   one.",
            next: BACK_TO_SERVICE,
        },
        foreign_form: Explanation {
            title: "This form did not come from Alias",
            what: "It was sent from another site, or from a page that is no longer valid. \
                   Nothing was changed.",
            next: "Open the page again and send the form from there.",
        },
        session_ended: Explanation {
            title: "You are not signed in any more",
            what: "Since this page was opened, its account was signed out at this browser, or its time \
                   was over. Nothing was changed.",
            next: "Sign in, and do it again.",
        },
        form_without_cookies: Explanation {
            title: "Your browser blocks cookies",
            what: "Alias knows by a cookie which browser a form is from, and none came with this one: your \
                   browser blocks or deletes the cookies of Alias. Nothing was changed.",
            next: ALLOW_COOKIES,
        },
        request_without_cookies: Explanation {
            title: "Your browser sent no cookie",
            what: "Alias knows by a cookie which browser a request is from. None came: your browser blocks \
                   or deletes the cookies of Alias, or this address was made in another browser.",
            next: ALLOW_COOKIES,
        },
        unknown_interaction: Explanation {
            title: "There is no such request here",
            what: "It has expired, for a request waits for an hour, or it was made in another browser \
                   or for another account, or the browser did not keep its cookie, or the service that \
                   asked is not registered here any more.",
            next: START_AGAIN,
        },
        expired: Explanation {
            title: "This request has expired",
            what: "A request waits for an hour. Nothing was changed.",
            next: START_AGAIN,
        },
        client_gone: Explanation {
            title: "This service is not registered any more",
            what: "Since it sent you here, the service that asked was taken off Alias. It can do nothing in \
                   your name any more, and your answer was not taken.",
            next: "There is nothing to do here. If you did not expect this, ask the people who run the \
                   service.",
        },
        already_answered: Explanation {
            title: "You have answered this already",
            what: "A request is answered once, and your first answer counts. This one changed \
                   nothing.",
            next: "Go back to the service. If it does not know of your answer, start again there. What \
                   you allow stands on your account page.",
        },
        not_shown: Explanation {
            title: "You were not asked for that",
            what: "The answer names a permission that the page did not show, so all of it was \
                   refused. Nothing was changed.",
            next: START_AGAIN,
        },
        not_found: Explanation {
            title: "There is no such page",
            what: "The address may be mistyped, or what was here has ended.",
            next: "Check the address, or go on from your account page.",
        },
        method_not_allowed: Explanation {
            title: "This page does not work that way",
            what: "The page is there, but not for this kind of request (its HTTP method).",
            next: "Go back to where you came from and try again.",
        },
        too_large: Explanation {
            title: "That is more than Alias takes",
            what: "What was sent is too large. Nothing of it was used.",
            next: "Go back and send less.",
        },
        address_too_long: Explanation {
            title: "That address is longer than Alias takes",
            what: "An address has at most 16 KiB here. Nothing of this one was used.",
            next: "Go back to the service you came from, and tell it if this happens again.",
        },
        too_many: Explanation {
            title: "Too many requests just now",
            what: "More people than usual are on their way to sign in, or one network sends very \
                   many requests. Nothing was lost.",
            next: "Wait a moment, and load this page again.",
        },
        unavailable: Explanation {
            title: "Alias cannot answer just now",
            what: "It is busy, or it cannot reach its data. Nothing was half done.",
            next: "Wait a moment, then try again.",
        },
        bad_request: Explanation {
            title: "Alias cannot read this request",
            what: "Something in it is missing, or is not as it should be. Nothing was changed.",
            next: "Go back to where you came from and try again.",
        },
    },
};

const BACK_TO_SERVICE: &str = "Nothing about you was shared. Go back to the service and try again. \
                               If it happens again, the people who run it need to know.";

const ALLOW_COOKIES: &str = "Allow cookies for Alias in your browser’s settings, and begin again where \
                             you came from.";

const START_AGAIN: &str = "If the service still waits for you, go back to it and start again.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_cut_at_its_name() {
        let sentence = Sentence("Before {}, after.");
        assert_eq!(
            (sentence.before(), sentence.after()),
            ("Before ", ", after.")
        );
    }

    #[test]
    fn every_sentence_has_room_for_exactly_one_name() {
        let sentences = [
            &TEXT.sign_in.for_client,
            &TEXT.sign_in.again_for_client,
            &TEXT.choose_account.for_client,
            &TEXT.sign_out.asked_by,
            &TEXT.consent.asked_by,
            &TEXT.consent.channels_hint,
            &TEXT.consent.count,
            &TEXT.consent.afterwards,
            &TEXT.form_post.destination,
            &TEXT.moving_on.destination,
            &TEXT.errors.asked_by,
            &TEXT.errors.back_to,
            &TEXT.sign_out.account_done,
            &TEXT.account.since,
            &TEXT.account.changed_at,
            &TEXT.account.channels,
            &TEXT.account.revoke_what,
            &TEXT.account.from,
            &TEXT.account.disconnect_whom,
            &TEXT.account.revoked,
            &TEXT.account.revoked_from,
            &TEXT.account.disconnected,
            &TEXT.errors.status,
            &TEXT.errors.request,
        ];
        for Sentence(sentence) in sentences {
            assert_eq!(sentence.matches(Sentence::NAME).count(), 1, "{sentence}");
        }
    }
}
