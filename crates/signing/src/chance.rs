use alias_domain::ports::Chance;
use uuid::Uuid;

/// Randomness from the operating system.
///
/// ```
/// use alias_domain::ports::Chance;
/// use alias_signing::OsChance;
/// assert_ne!(OsChance.id(), OsChance.id());
/// ```
///
/// # Panics
/// If the operating system has none: an identifier or a secret that can be guessed is worse than a
/// service that stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsChance;

impl Chance for OsChance {
    fn id(&self) -> Uuid {
        Uuid::from_bytes(bits())
    }

    fn secret(&self) -> [u8; 32] {
        bits()
    }
}

pub(crate) fn bits<const N: usize>() -> [u8; N] {
    let mut bits = [0; N];
    getrandom::fill(&mut bits).expect("the operating system has randomness");
    bits
}
