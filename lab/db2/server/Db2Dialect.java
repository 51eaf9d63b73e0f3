import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What has to be said differently so that IBM's CLI driver and Apache Derby's network server understand each other. Each rule
 * answers a failure that was seen without it (driver 11.5.9, Derby 10.16.1.1).
 */
final class Db2Dialect {
  private static final int TRGDFTRT = 0x213B, PRDID = 0x112E, QRYINSID = 0x215B;
  /** Of Derby's own client, of a level so old that Derby adds no extras of its own to its answers. */
  private static final byte[] DERBY_CLIENT = ascii("DNC10010");

  /** What Db2 offers and Derby has under other names, found outside of literals. The same length: lengths stay true. */
  private static final Map<String, String> NAMES =
      Map.of(
          "SYSCAT.", "LABCAT.", "SYSIBMADM.", "LABIBMADM.", "SYSPROC.", "LABPROC.",
          "CURRENT SERVER", "LAB.SERVER()  ", "APPLICATION_ID()", "LAB.APPL_ID()   ");
  private static final Pattern NAME =
      Pattern.compile("'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\\b(?:SYSCAT\\.|SYSIBMADM\\.|SYSPROC\\.|CURRENT SERVER\\b|APPLICATION_ID\\(\\))", Pattern.CASE_INSENSITIVE);
  /** Derby's lock timeout is one for all (see LabServer); the statement is answered with another that does no harm. */
  private static final Pattern LOCK_TIMEOUT = Pattern.compile("(?i)SET CURRENT LOCK TIMEOUT \\d+");
  private static final String HARMLESS = "SET CURRENT ISOLATION CS";

  /** A message of the client, as Derby understands it. */
  static DrdaMessage toServer(DrdaMessage message) throws IOException {
    if (message.segmented) return message;
    return switch (message.codePoint()) {
      case DrdaMessage.ACCRDB -> message.with(accessDatabase(message.content()));
      case DrdaMessage.DSCSQLSTT -> message.with(without(QRYINSID, message.content()));
      case DrdaMessage.SQLSTT -> message.with(latin1(statement(text(message.content()))));
      default -> message;
    };
  }

  /** A message of Derby, as it would come from Db2. */
  static DrdaMessage toClient(DrdaMessage message) {
    boolean hasAnswer = message.codePoint() == DrdaMessage.SQLCARD || message.codePoint() == DrdaMessage.SQLDARD;
    if (message.segmented || !hasAnswer) return message;
    byte[] mapped = SqlAnswer.mapped(message.content());
    return mapped == null ? message : message.with(mapped);
  }

  static boolean isCommit(DrdaMessage message) {
    if (message.codePoint() == DrdaMessage.RDBCMM) return true;
    return message.codePoint() == DrdaMessage.SQLSTT && !message.segmented && text(message.content()).matches("(?is).{0,8}\\bCOMMIT\\W*");
  }

  /**
   * Derby from 10.9 on accepts only its own client; and asked to return typing information it nests a parameter so that the
   * driver rejects the answer: the question is turned off.
   */
  private static byte[] accessDatabase(byte[] content) throws IOException {
    byte[] changed = content.clone();
    for (DrdaMessage.Parameter parameter : DrdaMessage.parameters(content)) {
      int value = parameter.start() + 4;
      if (parameter.codePoint() == TRGDFTRT) changed[value] = (byte) 0xF0;
      if (parameter.codePoint() == PRDID) System.arraycopy(DERBY_CLIENT, 0, changed, value, DERBY_CLIENT.length);
    }
    return changed;
  }

  /** Derby does not know this parameter of a description; the driver sends it for CHAR columns, and aborts when refused. */
  private static byte[] without(int codePoint, byte[] content) throws IOException {
    ByteArrayOutputStream kept = new ByteArrayOutputStream();
    for (DrdaMessage.Parameter parameter : DrdaMessage.parameters(content)) {
      if (parameter.codePoint() != codePoint) kept.write(content, parameter.start(), parameter.length());
    }
    return kept.toByteArray();
  }

  private static String statement(String text) {
    String named = NAME.matcher(text).replaceAll(found -> {
      String replacement = NAMES.get(found.group().toUpperCase(Locale.ROOT));
      return java.util.regex.Matcher.quoteReplacement(replacement == null ? found.group() : replacement);
    });
    return LOCK_TIMEOUT.matcher(named).replaceAll(found -> HARMLESS + " ".repeat(found.group().length() - HARMLESS.length()));
  }

  /** Bytes as characters one to one: statements are UTF-8, of which only ASCII is looked at. */
  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
