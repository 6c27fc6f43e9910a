use alias_signing::{MalformedMasterKey, MasterKey};

const TEXT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

#[test]
fn a_master_key_is_read_as_it_is_written() {
    let master: MasterKey = TEXT.parse().unwrap();
    assert_eq!(master.to_text().expose(), TEXT);
}

#[test]
fn any_other_spelling_is_no_master_key() {
    for text in [
        String::new(),
        TEXT[..42].to_owned(),
        format!("{TEXT}="),
        format!("{TEXT}c"),
        format!("{TEXT}\n"),
        format!(" {TEXT}"),
        // The last character has two bits that no byte needs: they are zero.
        TEXT.replace("Bwc", "Bwd"),
        TEXT.replace('w', "+"),
        "07".repeat(32),
    ] {
        assert_eq!(
            text.parse::<MasterKey>().err(),
            Some(MalformedMasterKey),
            "{text:?}"
        );
    }
}

#[test]
fn a_generated_master_key_is_another_each_time() {
    let (one, other) = (MasterKey::generate(), MasterKey::generate());
    assert_ne!(one.to_text().expose(), other.to_text().expose());
}

#[test]
fn a_master_key_does_not_print() {
    let master: MasterKey = TEXT.parse().unwrap();
    assert_eq!(
        format!("{master:?} {:?}", master.to_text()),
        "[redacted] [redacted]"
    );
}
