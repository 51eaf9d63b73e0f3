import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** SQLCODE, SQLSTATE and tokens of an answer (SQLCA): Derby's, said as Db2 would. */
final class SqlAnswer {
  private record Code(int sqlcode, String sqlstate, String token) {}

  private static final Map<String, Code> CODES = new HashMap<>();

  private static void map(int sqlcode, String sqlstate, String token, String... derby) {
    for (String state : derby) CODES.put(state, new Code(sqlcode, sqlstate, token));
  }

  static {
    map(100, "02000", null, "02000");
    map(-104, "42601", null, "42X01", "42Z91");
    map(-117, "42802", null, "42802");
    map(-180, "22007", null, "22007");
    map(-204, "42704", null, "42X05", "42Y07", "42Y55", "42X94");
    map(-206, "42703", null, "42X04", "42X14");
    map(-301, "07006", null, "XCL12");
    map(-313, "07004", null, "XCL13");
    map(-401, "42818", null, "42818");
    map(-407, "23502", null, "23502");
    map(-408, "42821", null, "42821");
    map(-413, "22003", null, "22003");
    map(-420, "22018", null, "22018");
    map(-433, "22001", null, "22001");
    map(-440, "42884", null, "42Y03");
    map(-478, "42893", null, "X0Y54");
    map(-530, "23503", null, "23503");
    map(-545, "23513", null, "23513");
    map(-551, "42501", null, "42500", "42501", "42502", "42507", "42508");
    map(-601, "42710", null, "X0Y32", "X0Y68");
    map(-612, "42711", null, "42Z93");
    map(-801, "22012", null, "22012");
    map(-803, "23505", null, "23505");
    map(-911, "40001", "2", "40001");
    map(-911, "40001", "68", "40XL1", "40XL2");
    map(-952, "57014", null, "XCL52");
  }

  /** Separates tokens in Derby's message, whose last is its own message identifier. */
  private static final String DERBY_SEPARATOR = "\u0014";
  private static final char DB2_SEPARATOR = '\u00ff';
  private static final int MAX_TOKENS = 70;

  /**
   * An SQLCA with Db2's codes; null when there is nothing to change.
   * Layout: null indicator 1, SQLCODE 4, SQLSTATE 5, procedure 8, null indicator 1, details 24, warnings 11, database name (length 2),
   * message in two encodings (length 2 each).
   */
  static byte[] mapped(byte[] answer) {
    final int code = 1, state = 5, extended = 18, database = extended + 36;
    if (answer.length < database || answer[0] == (byte) 0xFF || answer[extended] == (byte) 0xFF) return null;
    Code db2 = CODES.get(Db2Dialect.text(Arrays.copyOfRange(answer, state, state + 5)));
    if (db2 == null) return null;
    ByteBuffer in = ByteBuffer.wrap(answer);
    int mixed = database + 2 + in.getChar(database);
    int mixedLength = in.getChar(mixed);
    int single = mixed + 2 + mixedLength;
    int singleLength = in.getChar(single);
    int end = single + 2 + singleLength;
    int from = mixedLength > 0 ? mixed : single;
    byte[] said = Arrays.copyOfRange(answer, from + 2, from + 2 + Math.max(mixedLength, mixedLength > 0 ? 0 : singleLength));
    byte[] tokens = Db2Dialect.latin1(db2.token != null ? db2.token : tokensOf(Db2Dialect.text(said)));
    ByteBuffer out = ByteBuffer.allocate(mixed + 4 + tokens.length + answer.length - end);
    out.put(answer, 0, mixed).putChar((char) tokens.length).put(tokens).putChar((char) 0).put(answer, end, answer.length - end);
    out.putInt(code, db2.sqlcode);
    out.position(state);
    out.put(Db2Dialect.latin1(db2.sqlstate));
    return out.array();
  }

  private static String tokensOf(String message) {
    String[] parts = message.split(DERBY_SEPARATOR);
    int count = parts.length > 1 ? parts.length - 1 : parts.length;
    String tokens = String.join(String.valueOf(DB2_SEPARATOR), Arrays.copyOf(parts, count));
    return tokens.length() > MAX_TOKENS ? tokens.substring(0, MAX_TOKENS) : tokens;
  }
}
