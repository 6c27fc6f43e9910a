//! The files that the pages link to, carried in the program itself.

/// A file that the pages link to.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// The path that the pages ask for, from the root of the service.
    pub path: &'static str,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The file, whole.
    pub bytes: &'static [u8],
}

static ASSETS: [Asset; 2] = [
    Asset {
        path: "/assets/alias.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../../assets/alias.css"),
    },
    Asset {
        path: "/assets/mark.svg",
        content_type: "image/svg+xml",
        bytes: include_bytes!("../../assets/mark.svg"),
    },
];

/// Every file that the pages link to. Their paths do not change with their content, so a cache has
/// to ask again after an upgrade.
#[must_use]
pub fn assets() -> &'static [Asset] {
    &ASSETS
}
