package dev.nereid.access;

import com.nimbusds.jwt.JWTClaimsSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Whose a token is by its claims, once these are known to be true. Thread-safe. */
final class TokenClaims {
  /** Tells callers whom only tokens name from those of the file. */
  private static final String PREFIX = "jwt:";

  /** May stand before a role, where an issuer's roles are for many services. */
  private static final String OURS = "nereid:";

  private static final int LONGEST_NAME = 64;

  private final TokenOptions options;
  private final CallerLimits usual;
  private final Budgets budgets;

  TokenClaims(TokenOptions options, CallerLimits usual, Budgets budgets) {
    this.options = options;
    this.usual = usual;
    this.budgets = budgets;
  }

  /** The caller of the file that has this subject, or else one with the roles of the claims. */
  Decision caller(JWTClaimsSet claims, CallerList list) {
    String subject = text(claims.getClaim(options.nameClaim()));
    if (subject == null) {
      return Decision.Refused.of(
          Denial.WRONG_CLAIMS, "token: no claim " + options.nameClaim() + " (expected: a name)");
    }
    Caller known = list.byToken(subject);
    if (known != null) {
      return new Decision.Admitted(known);
    }
    Budget budget = usual.isNone() ? null : budgets.of(PREFIX + subject, usual);
    return new Decision.Admitted(new Caller(shown(subject), roles(claims), Long.MAX_VALUE, budget));
  }

  private Set<Role> roles(JWTClaimsSet claims) {
    Object found = claims.getClaims();
    for (String step : steps(claims)) {
      found = found instanceof Map<?, ?> map ? map.get(step) : null;
    }
    EnumSet<Role> roles = EnumSet.noneOf(Role.class);
    List<?> values =
        found instanceof String text
            ? List.of(text.split(" ", -1))
            : found instanceof List<?> list ? list : List.of();
    for (Object value : values) {
      String typed = String.valueOf(value);
      Role role = Role.named(typed.startsWith(OURS) ? typed.substring(OURS.length()) : typed);
      if (role != null) {
        roles.add(role);
      }
    }
    return roles;
  }

  /** A claim may have points in its own name, as addresses have. */
  private List<String> steps(JWTClaimsSet claims) {
    String name = options.rolesClaim();
    return claims.getClaims().containsKey(name) ? List.of(name) : List.of(name.split("\\.", -1));
  }

  private static @Nullable String text(@Nullable Object claim) {
    return claim instanceof String text && !text.isBlank() ? text : null;
  }

  /** The name in logs, of characters that names in the file may have. */
  private static String shown(String subject) {
    StringBuilder name = new StringBuilder(PREFIX);
    for (int i = 0; i < Math.min(subject.length(), LONGEST_NAME); i++) {
      char c = subject.charAt(i);
      name.append(CallerEntry.isName(String.valueOf(c)) ? c : '_');
    }
    return name.toString();
  }
}
