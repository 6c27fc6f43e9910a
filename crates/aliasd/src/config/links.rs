//! Variables that a container platform sets in every container for a service called `alias`, or with
//! a name that begins so. They look like settings and are none, and nobody asked for them.

/// Whether a variable is one of them, by its name without `ALIAS_` and its value. Kubernetes sets
/// them for each service of the namespace, Docker for a container that is linked. No setting is named
/// so: a section is set off by two underscores.
pub(super) fn is_link(name: &str, value: &str) -> bool {
    if name.contains("__") {
        return false;
    }
    // A service called `alias-db` has `DB` in front.
    let words: Vec<&str> = name.split('_').collect();
    (0..words.len()).any(|at| is_of_service(&words[at..], value))
}

fn is_of_service(words: &[&str], value: &str) -> bool {
    match words {
        ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] => true,
        ["PORT"] => ["tcp://", "udp://", "sctp://"]
            .iter()
            .any(|it| value.starts_with(it)),
        ["PORT", number, "TCP" | "UDP" | "SCTP", ..] => {
            number.bytes().all(|it| it.is_ascii_digit()) && !number.is_empty()
        }
        // Docker alone: the name is a path, and the other container's own variables follow.
        ["NAME"] => value.contains('/'),
        ["ENV", _, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_platform_sets_is_known_by_its_shape() {
        for (name, value, known) in [
            ("SERVICE_HOST", "10.0.0.1", true),
            ("SERVICE_PORT", "80", true),
            ("SERVICE_PORT_HTTP", "80", true),
            ("PORT", "tcp://10.0.0.1:80", true),
            ("PORT", "8080", false),
            ("PORT_8080_TCP", "tcp://10.0.0.1:8080", true),
            ("PORT_8080_TCP_ADDR", "10.0.0.1", true),
            ("PORT_53_UDP_PROTO", "udp", true),
            ("PORT_HTTP_TCP", "x", false),
            ("NAME", "/web/alias", true),
            ("NAME", "Alias", false),
            ("ENV_PATH", "/usr/bin", true),
            ("DB_SERVICE_HOST", "10.0.0.1", true),
            ("DB_PORT", "tcp://10.0.0.1:5432", true),
            ("DB_PORT_5432_TCP_PORT", "5432", true),
            ("HTTP_PORT", "8080", false),
            ("HTTP__PORT", "tcp://10.0.0.1:80", false),
            ("ISUER", "https://id.example", false),
            ("HTTP_LISTEN", "127.0.0.1:1", false),
        ] {
            assert_eq!(is_link(name, value), known, "{name}={value}");
        }
    }
}
