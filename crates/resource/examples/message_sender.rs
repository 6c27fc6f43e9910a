//! A service behind Alias: it delivers a client's messages to a user, on the channel `notifications`
//! and no other, for as long as the user allows it.
//!
//! `docs/reuse.md` has the commands that run it beside `aliasd dev`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{env, error::Error};

use actix_web::{App, HttpResponse, HttpServer, post, web};
use alias_resource::{Alias, Grant, Refusal, Secret, Settings};

const LISTEN: &str = "127.0.0.1:8082";

#[post("/notifications")]
async fn notify(grant: Grant, text: String) -> Result<HttpResponse, Refusal> {
    grant.require_channel("notifications")?;
    // Two clients that know the same user have two alias IDs, and so two mailboxes.
    println!("to {} of {}: {text:?}", grant.alias_id(), grant.client_id());
    Ok(HttpResponse::Accepted().body("on its way\n"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let issuer = env::var("ISSUER").unwrap_or_else(|_| "http://localhost:8080".to_owned());
    let settings = Settings::new(
        issuer.parse()?,
        variable("CLIENT_ID")?.parse()?,
        Secret::new(variable("CLIENT_SECRET")?),
    );
    let alias = web::Data::new(Alias::new(settings)?);
    let app = move || App::new().app_data(alias.clone()).service(notify);
    println!("POST http://{LISTEN}/notifications, with a user token of {issuer}");
    HttpServer::new(app).bind(LISTEN)?.run().await?;
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("set {name}, as `aliasd client create` printed it"))
}
