package lab;

import com.ibm.ws.scripting.ScriptingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** wsadmin's AdminApp: which applications there are, where they are mapped to, and whether they are distributed. */
public final class AdminApp {
    private final AdminConfig configuration;
    private final AdminControl control;

    AdminApp(AdminConfig configuration, AdminControl control) {
        this.configuration = configuration;
        this.control = control;
    }

    public String list() {
        return list("");
    }

    /** @param target "WebSphere:cell=c,cluster=x" or "WebSphere:cell=c,node=n,server=s"; "" = all */
    public String list(String target) {
        List<String> found = new ArrayList<>();
        for (ConfigStore.Entry application : configuration.store().ofType("ApplicationDeployment")) {
            List<String> targets = Arrays.asList(application.text("targets").split(" "));
            if (target.isEmpty() || targets.contains(target.replaceFirst("^WebSphere:cell=[^,]*,", ""))) found.add(application.name);
        }
        return String.join(System.lineSeparator(), found);
    }

    public String isAppReady(String name) throws ScriptingException {
        String status = getDeployStatus(name);
        return String.valueOf(!status.matches("(?s).*(distribution=(false|unknown)|expansion=false).*"));
    }

    public String getDeployStatus(String name) throws ScriptingException {
        if (!Arrays.asList(list().split("\\R")).contains(name)) {
            throw new ScriptingException("WASX7015E: ADMA5000E: application " + name + " does not exist");
        }
        String management = control.completeObjectName("type=AppManagement,*");
        return control.invoke(management, "distributionStatus", name);
    }
}
