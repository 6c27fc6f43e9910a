//! What a store promises, as cases that every store runs: one named after each promise of the
//! [ports](crate::ports), and races, in which 20 rivals meet at a barrier for 50 rounds.
//!
//! [`contract_tests!`](crate::contract_tests) makes a test of each case. To add one, write an
//! `async fn(&dyn Store) -> Kept` in the file of its port (or, in `races`, a
//! `fn(&dyn Store, Runner) -> Kept`) and name it in the macro below.

#![expect(missing_docs, reason = "the name of a case says what it checks")]
#![expect(clippy::panic, reason = "a broken promise ends its test")]

use std::pin::Pin;

use crate::ports::StoreError;

mod scene;

pub mod anticipated;
pub mod authorizations;
pub mod clients;
pub mod deleting;
pub mod grants;
pub mod interactions;
pub mod keys;
pub mod notices;
pub mod races;
pub mod sessions;
pub mod sweep;
pub mod transfer;
pub mod users;

/// What a case comes to: it panics where a promise is broken, and fails where the store does not
/// answer.
///
/// ```
/// async fn nothing_is_asked(_: &dyn alias_domain::ports::Store)
/// -> alias_domain::testing::contract::Kept { Ok(()) }
/// ```
pub type Kept = Result<(), StoreError>;

/// Runs a future to its end on the calling thread: the suite knows no runtime. It is called from
/// many threads at once.
///
/// ```
/// let run: alias_domain::testing::contract::Runner = |case| pollster::block_on(case);
/// ```
pub type Runner = fn(Pin<Box<dyn Future<Output = ()> + '_>>);

/// Runs a future to its end and returns what it comes to.
///
/// # Panics
/// If the runner returns before the future has ended.
///
/// ```
/// use alias_domain::testing::contract;
/// assert_eq!(contract::finish(|case| pollster::block_on(case), async { 7 }), 7);
/// ```
pub fn finish<T>(run: Runner, future: impl Future<Output = T>) -> T {
    let mut output = None;
    run(Box::pin(async { output = Some(future.await) }));
    output.expect("the runner runs a future to its end")
}

/// Makes a `#[test]` of every case.
///
/// The first argument is evaluated for each test: a fresh store, behind something that
/// dereferences to it (a box, or a guard that removes its files). The second is a
/// [`Runner`](crate::testing::contract::Runner).
///
/// ```no_run
/// use alias_domain::{contract_tests, testing::MemoryStore};
/// contract_tests!(Box::new(MemoryStore::default()), |case| pollster::block_on(case));
/// ```
#[macro_export]
macro_rules! contract_tests {
    ($store:expr, $runner:expr) => {
        $crate::contract_tests! { @cases $store, $runner;
            clients {
                an_unknown_client_is_none
                a_client_is_kept_whole
                a_client_keeps_its_back_channel
                a_client_keeps_any_signing_algorithm
                r35_a_client_keeps_the_claims_that_a_nickname_is_told_under
                a_client_comes_with_its_secrets
                secrets_are_replaced_together
                clients_come_oldest_first
                a_client_is_updated_if_it_is_still_what_was_read
                r30_deleting_a_client_ends_everything_of_it
                r30_a_withdrawn_channel_counts_nowhere
                r30_a_channel_declared_again_is_granted_to_nobody
            }
            users {
                an_unknown_user_is_none
                a_user_is_found_by_id_and_by_email
                an_email_address_is_one_users
                users_come_oldest_first
                a_hash_is_replaced_if_it_is_still_what_was_read
                an_address_and_a_nickname_change_if_they_are_still_what_was_read
                an_address_of_another_user_is_not_taken_over
                an_address_and_a_nickname_that_nobody_is_given_any_more_are_kept
                r30_a_reset_password_ends_every_session_of_its_user
                r30_locking_ends_the_sessions_and_unlocking_restores_none
                r30_a_locked_users_authorizations_wait_for_the_unlocking
                r30_deleting_a_user_ends_everything_of_them
            }
            sessions {
                a_session_lives_until_its_end
                live_sessions_come_in_the_order_of_the_tokens
                signing_in_again_renews_the_session
                another_users_session_is_not_renewed
                a_session_that_ended_is_not_renewed
                r30_a_locked_or_unknown_user_gets_no_session
                r30_a_password_that_was_replaced_begins_no_session
                a_users_sessions_come_latest_first_and_none_that_ended
                r30_all_sessions_of_a_user_end_and_no_others
                r30_signing_out_ends_a_session_and_no_token
            }
            interactions {
                an_interaction_is_kept_until_it_is_forgotten
                an_interaction_of_a_client_that_is_gone_is_not_kept
                an_account_is_chosen_while_the_interaction_waits
                closing_consumes_an_interaction_once
                r12_closing_grants_nothing
            }
            grants {
                an_approval_is_recorded_whole
                r10_openid_is_granted_though_nothing_is_ticked
                r11_what_is_shown_and_unticked_is_revoked_and_the_rest_stays
                r11_an_answer_that_names_what_was_not_shown_changes_nothing
                an_interaction_is_answered_once
                r31_an_answer_after_the_session_ended_grants_nothing
                r31_an_answer_of_another_users_session_grants_nothing
                r31_an_answer_of_a_locked_user_grants_nothing
                r31_an_answer_to_a_client_that_is_gone_grants_nothing
                r31_what_was_revoked_meanwhile_may_be_granted_again
                r31_a_channel_withdrawn_meanwhile_is_dropped_silently
                r13_what_is_covered_is_issued_without_asking
                issuing_answers_the_interaction_once
                what_is_not_covered_is_not_issued
                nothing_is_issued_without_a_live_session_of_the_user
                connections_come_newest_first
                live_grants_come_with_the_live_sessions_in_the_order_of_the_tokens
                live_grants_tell_what_each_user_grants_to_the_client_now
                r13_what_is_anticipated_is_issued_in_the_step_that_looks
                what_is_anticipated_is_not_issued_without_session_and_cover
                a_connection_tells_when_its_user_last_answered
                a_connection_tells_since_when_it_is_and_when_it_last_changed
                an_alias_id_is_of_one_user_and_one_client
                an_alias_id_survives_a_disconnect
                an_alias_id_tells_its_user_to_its_client_alone
                r18_what_was_asked_for_is_kept_with_each_authorization
                r20_granting_again_restores_what_revoking_took
                r24_a_revocation_bites_at_once
                r25_a_disconnect_ends_every_authorization_for_good
                r25_revoking_openid_disconnects
                r25_revoking_contact_drops_all_channels
                r25_meta_cannot_be_revoked_alone
                r27_a_users_own_list_has_meta
                what_was_not_granted_cannot_be_revoked
                a_revocation_touches_no_other_connection
            }
            authorizations {
                an_unknown_authorization_is_none
                a_standing_is_read_whole
                r17_a_code_is_exchanged_for_the_authority_of_that_moment
                r17_a_second_use_of_a_code_kills_the_authorization
                r17_a_try_by_anybody_else_changes_nothing
                r17_an_expired_code_is_refused
                r19_only_offline_access_begins_a_refresh_chain
                r20_a_refresh_is_worth_the_authority_of_that_moment
                r21_a_refused_scope_leaves_the_refresh_token_unused
                r22_a_refresh_without_offline_access_is_refused
                r23_a_refresh_moves_on_to_the_next_generation
                r23_a_retry_gets_the_same_generation
                r23_a_replay_kills_the_authorization
                r23_a_generation_ahead_or_of_another_client_changes_nothing
                r23_an_expired_refresh_token_is_refused_and_changes_nothing
                r28_a_code_serves_only_with_its_verifier
                ending_an_authorization_twice_is_harmless
                voided_user_tokens_stay_void_and_refreshing_goes_on
            }
            anticipated {
                an_exchange_is_what_the_rules_say_of_what_stands
                a_refresh_is_what_the_rules_say_of_what_stands
                what_is_issued_is_what_the_rules_say_of_what_stands
            }
            keys {
                keys_come_oldest_first
                an_algorithm_has_one_first_key
                a_key_is_added_after_the_newest_of_its_algorithm
                a_key_is_not_added_after_any_other
                of_keys_made_at_once_the_newest_is_that_of_the_last_kid
                a_key_is_removed_once_and_no_other_goes_with_it
                a_key_is_replaced_once_if_it_is_still_as_it_was
                a_removed_newest_key_leaves_the_one_before_as_the_newest
            }
            notices {
                no_notice_waits_as_long_as_no_session_ends
                ending_a_session_leaves_a_notice_to_each_client_that_took_part
                r34_beyond_200_sessions_the_eldest_ends_and_its_clients_are_told
                a_client_that_is_not_registered_for_it_is_told_nothing
                a_client_that_took_part_often_is_told_once
                a_client_that_took_part_by_consent_or_without_is_told
                a_client_whose_tokens_have_long_ended_is_told
                a_renewed_session_remembers_who_took_part
                r30_locking_a_user_leaves_the_notices_of_every_session
                r30_ending_all_sessions_of_a_user_leaves_their_notices
                r30_a_reset_password_leaves_the_notices_of_every_session
                r30_deleting_a_user_leaves_notices_with_the_alias_id
                deleting_a_client_forgets_its_notices
                a_session_that_is_swept_tells_nobody
                a_notice_is_due_again_when_its_claim_ends
                a_postponed_notice_waits
                a_closed_notice_is_gone
                a_claim_that_ended_settles_nothing
                a_notice_that_a_clock_ahead_put_off_is_due
                a_claim_takes_no_more_than_its_limit_and_passes_clients_over
            }
            deleting {
                r30_a_deleted_client_counts_for_nothing_and_its_rows_go
                r30_a_deleted_user_counts_for_nothing_and_their_rows_go
            }
            sweep {
                a_store_answers_a_ping
                the_latest_activity_is_a_sign_in_a_request_or_a_refresh
                a_sweep_touches_nothing_alive
                a_sweep_removes_what_has_ended
                a_sweep_removes_no_more_than_its_limit
                a_sweep_spares_what_a_refresh_prolonged
                a_sweep_spares_the_alias_id
                refreshing_adds_nothing_to_sweep
            }
        }
        $crate::contract_tests! { @races $store, $runner;
            r17_of_rivals_with_one_code_one_is_granted
            r23_rivals_with_one_refresh_token_get_the_same_generation
            r23_a_retry_undoes_no_refresh
            of_rivals_that_answer_one_interaction_one_is_told_issued
            approving_and_denying_at_once_has_one_outcome
            r11_answers_to_several_forms_all_count
            r24_revocations_and_answers_at_once_all_count
            r24_a_refresh_never_outruns_a_revocation
            r25_no_authorization_outlives_a_disconnect
            r30_nothing_outlives_its_client_or_user
            r30_no_session_begins_beside_a_lock
            r30_no_session_of_the_old_password_outlives_a_reset
            no_refresh_undoes_the_voiding_of_user_tokens
            of_rivals_with_one_email_address_one_is_added
            of_rivals_that_change_to_one_email_address_one_has_it
            of_rivals_that_claim_a_notice_one_has_it
            no_client_that_is_issued_to_is_left_out_when_the_session_ends
            a_session_token_that_was_renewed_is_issued_nothing
            deleting_a_user_while_others_issue_and_sign_out_tells_every_client
            of_rivals_with_a_first_key_one_is_told_so
            of_rivals_that_rotate_a_key_one_is_told_so
        }
    };
    (@cases $store:expr, $runner:expr; $($port:ident { $($case:ident)* })*) => {
        $($(
            #[test]
            fn $case() {
                use $crate::testing::contract;
                let store = $store;
                contract::finish($runner, contract::$port::$case(&*store))
                    .expect("the store answers");
            }
        )*)*
    };
    (@races $store:expr, $runner:expr; $($race:ident)*) => {
        $(
            #[test]
            fn $race() {
                use $crate::testing::contract;
                let store = $store;
                contract::races::$race(&*store, $runner).expect("the store answers");
            }
        )*
    };
}

/// Makes a `#[test]` of every case about a store that takes in what another one keeps.
///
/// The arguments are those of [`contract_tests!`](crate::contract_tests).
///
/// ```no_run
/// use alias_domain::{import_contract_tests, testing::MemoryStore};
/// import_contract_tests!(Box::new(MemoryStore::default()), |case| pollster::block_on(case));
/// ```
#[macro_export]
macro_rules! import_contract_tests {
    ($store:expr, $runner:expr) => {
        $crate::contract_tests! { @cases $store, $runner;
            transfer {
                everything_is_taken_in_whole
                the_greatest_generation_and_the_last_moment_are_taken_in
                many_of_a_kind_are_taken_in
                what_was_taken_in_goes_on
                an_alias_id_is_taken_in_after_a_disconnect
                a_session_is_renewed_where_it_was_taken_in
                a_store_that_keeps_something_takes_nothing_in
                what_breaks_off_leaves_nothing_and_can_be_repeated
                what_was_taken_in_is_swept_when_it_ends
            }
        }
        $crate::contract_tests! { @races $store, $runner;
            of_rivals_that_import_one_succeeds
        }
    };
}
