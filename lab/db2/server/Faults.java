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
  private boolean holdCloses;
  private int heldCloses;

  synchronized void stall(boolean on) {
    stall = on;
    notifyAll();
  }

  /** Holds the caller while nothing may pass. */
  synchronized void pass() throws InterruptedException {
    while (stall) wait();
  }

  synchronized void holdCloses(boolean on) {
    holdCloses = on;
    notifyAll();
  }

  /** Holds the caller, which has the close of a cursor to pass on, while none may pass. */
  synchronized void passClose() throws InterruptedException {
    if (!holdCloses) return;
    heldCloses++;
    notifyAll();
    while (holdCloses) wait();
    heldCloses--;
  }

  /** Holds the caller until so many closes are held. */
  synchronized void awaitHeldCloses(int count) throws InterruptedException {
    while (heldCloses < count) wait();
  }
}
