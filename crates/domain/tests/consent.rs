//! The screen and its answer: R10, R11, R31, and R25 to R27 for what is taken back.

use alias_domain::{
    Access, Answer, ChannelId, ClientChange, NotShown, Revocation, RevocationError, Scope, Screen,
    revoked,
    testing::sample::{client, everything},
};

fn ticked(scopes: &[&str], channels: &[&str]) -> Answer {
    let owned = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    Answer::AllowSelected {
        scopes: owned(scopes),
        channels: owned(channels),
    }
}

fn select(scopes: &[&str], channels: &[&str]) -> Result<Access, NotShown> {
    let screen = Screen::new(&client(), everything(), None);
    screen.selection(&client(), &ticked(scopes, channels))
}

fn contact(channels: &[u32]) -> Access {
    Access::openid().with_contact(channels.iter().copied().map(ChannelId).collect())
}

#[test]
fn r10_approving_always_grants_openid() {
    assert_eq!(select(&[], &[]), Ok(Access::openid()));
}

#[test]
fn r10_leaving_contact_unticked_leaves_out_every_channel() {
    assert_eq!(select(&[], &["notifications"]), Ok(Access::openid()));
}

#[test]
fn r10_channels_are_chosen_one_by_one() {
    assert_eq!(
        select(&["contact"], &["product_updates"]),
        Ok(contact(&[2]))
    );
    assert_eq!(select(&["contact"], &[]), Ok(contact(&[])));
}

#[test]
fn r11_allow_all_grants_everything_shown() {
    let screen = Screen::new(&client(), everything(), None);
    assert_eq!(
        screen.selection(&client(), &Answer::AllowAll),
        Ok(everything())
    );
}

#[test]
fn r11_an_answer_that_names_what_is_not_shown_is_refused_whole() {
    let screen = Screen::new(&client(), contact(&[1]), None);
    for answer in [
        ticked(&["nickname"], &[]),
        ticked(&["profile"], &[]),
        ticked(&["contact"], &["product_updates"]),
        ticked(&["contact"], &["nowhere"]),
        ticked(&["contact", "nickname"], &["notifications"]),
    ] {
        assert_eq!(
            screen.selection(&client(), &answer),
            Err(NotShown),
            "{answer:?}"
        );
    }
    let without_contact = Screen::new(&client(), Access::openid(), None);
    let meta = ticked(&[], &["_meta"]);
    assert_eq!(without_contact.selection(&client(), &meta), Err(NotShown));
    assert_eq!(screen.selection(&client(), &meta), Ok(Access::openid()));
}

#[test]
fn r11_what_is_granted_is_ticked_and_what_is_new_is_not() {
    let granted = contact(&[1, 2]).with(Scope::Nickname);
    let screen = Screen::new(
        &client(),
        contact(&[1]).with(Scope::OfflineAccess),
        Some(&granted),
    );
    assert!(screen.was_granted(Scope::Contact) && screen.was_granted_channel(ChannelId(1)));
    assert!(!screen.was_granted(Scope::OfflineAccess));
    assert!(!screen.was_granted(Scope::Nickname) && !screen.was_granted_channel(ChannelId(2)));
}

#[test]
fn r11_shown_and_unticked_is_revoked_and_what_is_not_shown_stays() {
    let before = everything();
    let screen = Screen::new(&client(), contact(&[1]), Some(&before));
    let selected = screen.selection(&client(), &ticked(&["contact"], &[]));
    let after = screen.applied(&selected.expect("shown"), Some(&before));
    let left = contact(&[2])
        .with(Scope::OfflineAccess)
        .with(Scope::Nickname);
    assert_eq!(after, left);
}

#[test]
fn r11_r26_unticking_contact_revokes_every_channel_shown_or_not() {
    let before = everything();
    let screen = Screen::new(&client(), contact(&[1]), Some(&before));
    let after = screen.applied(&Access::openid(), Some(&before));
    let left = Access::openid()
        .with(Scope::OfflineAccess)
        .with(Scope::Nickname);
    assert_eq!(after, left);
}

#[test]
fn r11_what_another_tab_granted_since_the_screen_was_shown_stays() {
    let screen = Screen::new(&client(), everything(), Some(&Access::openid()));
    let selected = screen.selection(&client(), &ticked(&["nickname"], &[]));
    let now = contact(&[1]).with(Scope::OfflineAccess);
    let after = screen.applied(&selected.expect("shown"), Some(&now));
    assert_eq!(after, now.with(Scope::Nickname));
}

#[test]
fn r11_of_channels_those_that_the_screen_showed_as_granted_are_revoked_and_no_other() {
    let screen = Screen::new(&client(), contact(&[1, 2]), Some(&contact(&[1])));
    let selected = screen.selection(&client(), &ticked(&["contact"], &[]));
    let after = screen.applied(&selected.expect("shown"), Some(&contact(&[1, 2])));
    assert_eq!(after, contact(&[2]));
}

#[test]
fn r31_what_was_revoked_meanwhile_may_be_granted_again_by_the_answer() {
    let screen = Screen::new(&client(), contact(&[1]), Some(&contact(&[1])));
    let selected = screen
        .selection(&client(), &Answer::AllowAll)
        .expect("shown");
    assert_eq!(screen.applied(&selected, None), contact(&[1]));
}

#[test]
fn r31_a_channel_withdrawn_meanwhile_is_dropped_silently() {
    let screen = Screen::new(&client(), everything(), None);
    let mut later = client();
    let only = vec![("product_updates".to_owned(), "About".to_owned())];
    let withdraw = ClientChange {
        channels: Some(only),
        ..ClientChange::default()
    };
    later.change(withdraw).expect("a sound change");
    let answer = ticked(&["contact"], &["notifications", "product_updates"]);
    assert_eq!(screen.selection(&later, &answer), Ok(contact(&[2])));
}

#[test]
fn r30_a_channel_declared_again_is_new_and_granted_to_nobody() {
    let screen = Screen::new(&client(), everything(), None);
    let mut later = client();
    for channels in [
        vec![],
        vec![("notifications".to_owned(), "About".to_owned())],
    ] {
        let change = ClientChange {
            channels: Some(channels),
            ..ClientChange::default()
        };
        later.change(change).expect("a sound change");
    }
    assert_eq!(
        later.channel_list(&later.live(everything())),
        Some(String::new())
    );
    let selected = screen.selection(&later, &ticked(&["contact"], &["notifications"]));
    assert_eq!(selected, Ok(contact(&[])));
}

#[test]
fn r25_revoking_openid_leaves_nothing() {
    let openid = Revocation::Scope(Scope::OpenId);
    assert_eq!(revoked(&everything(), &client(), &openid), Ok(None));
}

#[test]
fn r25_revoking_contact_drops_all_channels() {
    let left = revoked(
        &contact(&[1, 2]),
        &client(),
        &Revocation::Scope(Scope::Contact),
    );
    assert_eq!(left, Ok(Some(Access::openid())));
}

#[test]
fn r25_meta_cannot_be_revoked_alone() {
    let meta = Revocation::Channel("_meta".to_owned());
    let alone = revoked(&contact(&[]), &client(), &meta);
    assert_eq!(alone, Err(RevocationError::MetaAlone));
    let without = revoked(&Access::openid(), &client(), &meta);
    assert_eq!(without, Err(RevocationError::NotGranted));
}

#[test]
fn r24_only_what_is_granted_can_be_revoked() {
    for revocation in [
        Revocation::Scope(Scope::Nickname),
        Revocation::Channel("product_updates".to_owned()),
        Revocation::Channel("nowhere".to_owned()),
    ] {
        let left = revoked(&contact(&[1]), &client(), &revocation);
        assert_eq!(left, Err(RevocationError::NotGranted), "{revocation:?}");
    }
}
