package com.ibm.ws.scripting;

/** What wsadmin's objects throw; scripts see the class by this name. The lab's own. */
public class ScriptingException extends Exception {
    public ScriptingException(String message) {
        super(message);
    }
}
