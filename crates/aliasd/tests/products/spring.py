"""Spring Boot with Spring Security's client."""


def follow(trial):
    program = trial.cache / "spring/target/notes.jar"
    lines = trial.folder / "application.yaml"
    options = [f"--server.port={trial.port}", f"--spring.config.additional-location=file:{lines}"]
    trial.start("spring", ["java", "-jar", program, *options])
    trial.listens("/login")
    trial.browser.goto(trial.url)
    trial.browser.sign_in()
    trial.browser.shows(f"signed in: {trial.alias_id()} Fred")
