/** What goes wrong between client and server. Switched through the control port, read by every connection. */
final class Faults {
  /** New connections are closed at once. */
  volatile boolean refuse;
  /** The line dies when a COMMIT arrives, which the server then never sees. */
  volatile boolean dropBeforeCommit;
  /** The server commits; the line dies before its answer passes. */
  volatile boolean dropAfterCommit;
  /** Milliseconds by which every message is late. */
  volatile int delayMs;
  private boolean stall;

  synchronized void stall(boolean on) {
    stall = on;
    notifyAll();
  }

  /** Holds the caller while nothing may pass. */
  synchronized void pass() throws InterruptedException {
    while (stall) wait();
  }
}
