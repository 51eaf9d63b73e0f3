import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.apache.derby.iapi.sql.conn.LanguageConnectionContext;
import org.apache.derby.iapi.store.access.TransactionInfo;
import org.apache.derby.impl.jdbc.EmbedConnection;

/**
 * Numbers of Derby's connections, in place of Db2's application handles: they stay as long as the connection does, which a
 * transaction's number does not. Called by functions of the databases (catalog.sql).
 */
public final class Handles {
  private Handles() {}

  /** Of the connection that asks. */
  public static long own() throws SQLException {
    return present().getInstanceNumber();
  }

  /** Of the connection that a transaction belongs to; null once it is over. */
  public static Long ofTransaction(String number) throws SQLException {
    try {
      for (TransactionInfo one : present().getTransactionExecute().getAccessManager().getTransactionInfo()) {
        if (one == null || !number.equals(one.getTransactionIdString())) continue;
        // Derby knows the connection of a transaction, and shows no more of it than its user and statement.
        Method find = one.getClass().getDeclaredMethod("getlcc");
        find.setAccessible(true);
        find.invoke(one);
        var connection = one.getClass().getDeclaredField("lcc");
        connection.setAccessible(true);
        var found = (LanguageConnectionContext) connection.get(one);
        return found == null ? null : (long) found.getInstanceNumber();
      }
      return null;
    } catch (ReflectiveOperationException error) {
      throw new SQLException(error);
    }
  }

  private static LanguageConnectionContext present() throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:default:connection")) {
      return ((EmbedConnection) connection).getLanguageConnection();
    }
  }
}
