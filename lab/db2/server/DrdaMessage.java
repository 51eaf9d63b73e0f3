import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One DRDA message (DSS): length 2, 0xD0, format 1, correlation 2, then an object: length 2, code point 2, content. */
final class DrdaMessage {
  static final int ACCRDB = 0x2001, CLSQRY = 0x2005, RDBCMM = 0x200E, DSCSQLSTT = 0x2008, SQLCARD = 0x2408, SQLSTT = 0x2414, SQLDARD = 0x2411;
  private static final int HEADER = 6, OBJECT_HEADER = 4, CONTINUED = 0x8000;

  final byte[] bytes;
  /** Longer than 32 KiB: in segments with headers of their own. Such ones are passed on as they are. */
  final boolean segmented;

  private DrdaMessage(byte[] bytes, boolean segmented) {
    this.bytes = bytes;
    this.segmented = segmented;
  }

  /** The next message of a stream, or null at its end. */
  static DrdaMessage read(DataInputStream in) throws IOException {
    int first = in.read();
    if (first < 0) return null;
    int length = first << 8 | in.readUnsignedByte();
    if ((length & CONTINUED) == 0) {
      if (length < HEADER) throw new IOException("a message of " + length + " bytes");
      return new DrdaMessage(rest(in, (byte) first, length), false);
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(rest(in, (byte) first, length & ~CONTINUED));
    for (boolean more = true; more; ) {
      int header = in.readUnsignedShort();
      more = (header & CONTINUED) != 0;
      all.write(header >> 8);
      all.write(header);
      all.writeBytes(in.readNBytes((header & ~CONTINUED) - 2));
    }
    return new DrdaMessage(all.toByteArray(), true);
  }

  private static byte[] rest(DataInputStream in, byte first, int length) throws IOException {
    byte[] bytes = new byte[length];
    bytes[0] = first;
    bytes[1] = (byte) length;
    in.readFully(bytes, 2, length - 2);
    return bytes;
  }

  int codePoint() {
    return bytes.length < HEADER + OBJECT_HEADER ? 0 : ByteBuffer.wrap(bytes).getChar(8);
  }

  /** What the object holds. */
  byte[] content() {
    return Arrays.copyOfRange(bytes, HEADER + OBJECT_HEADER, HEADER + objectLength());
  }

  /** The same message around another content. */
  DrdaMessage with(byte[] content) {
    byte[] after = Arrays.copyOfRange(bytes, HEADER + objectLength(), bytes.length);
    ByteBuffer all = ByteBuffer.allocate(HEADER + OBJECT_HEADER + content.length + after.length);
    all.put(bytes, 0, HEADER + OBJECT_HEADER).put(content).put(after);
    all.putChar(0, (char) all.capacity()).putChar(HEADER, (char) (content.length + OBJECT_HEADER));
    return new DrdaMessage(all.array(), false);
  }

  private int objectLength() {
    return ByteBuffer.wrap(bytes).getChar(HEADER);
  }

  /** A parameter of a command: its place in a content, headers included. */
  record Parameter(int codePoint, int start, int length) {}

  static List<Parameter> parameters(byte[] content) throws EOFException {
    List<Parameter> found = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(content);
    for (int at = 0; at + OBJECT_HEADER <= content.length; ) {
      int length = in.getChar(at);
      if (length < OBJECT_HEADER || at + length > content.length) throw new EOFException("a torn parameter");
      found.add(new Parameter(in.getChar(at + 2), at, length));
      at += length;
    }
    return found;
  }
}
