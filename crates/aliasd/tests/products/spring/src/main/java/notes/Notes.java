package notes;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Spring Security as Spring Boot sets it up: every page needs a user. */
@SpringBootApplication
@RestController
public class Notes {
  public static void main(String[] arguments) {
    SpringApplication.run(Notes.class, arguments);
  }

  @GetMapping("/")
  String home(@AuthenticationPrincipal OidcUser user) {
    return "signed in: " + user.getName() + " " + user.getNickName();
  }
}
