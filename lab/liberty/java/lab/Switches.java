package lab;

/** What the lab has switched for this server. All its applications load these classes together, so they share it. */
final class Switches {
    /** Milliseconds before each answer. */
    static volatile int slow;
    /** The status of every answer instead of a page; 0 = off. */
    static volatile int error;
    /** Pages make no session, so no cookie is set. */
    static volatile boolean noCookie;

    private Switches() {
    }
}
