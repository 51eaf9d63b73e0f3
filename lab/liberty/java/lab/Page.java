package lab;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import javax.servlet.ServletConfig;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import javax.servlet.http.HttpSession;

/**
 * Every page of one application: makes a session and says, as JSON, which member answered and how often this session was
 * seen. Sessions, cookies, logins and refusals are the server's own. In a cell it also says the level of the application: the
 * fixes that were in its files when it was started.
 */
public final class Page extends HttpServlet {
    private String application;
    private String level;

    @Override
    public void init(ServletConfig config) throws ServletException {
        super.init(config);
        String folder = System.getProperty("lab.installedApps");
        if (folder == null) return;
        application = System.getProperty("lab.application." + config.getServletContext().getContextPath());
        level = levelIn(folder + "/" + application + ".ear/META-INF/level.properties");
    }

    private static String levelIn(String file) {
        Properties read = new Properties();
        try (InputStream in = new FileInputStream(file)) {
            read.load(in);
        } catch (IOException unreadable) {
            return "damaged";
        }
        String fixes = read.getProperty("fixes", "");
        return fixes.isEmpty() ? "base" : fixes;
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        pause(Switches.slow);
        if (Switches.error > 0) {
            response.sendError(Switches.error);
            return;
        }
        response.setContentType("application/json");
        if ("/login".equals(request.getPathInfo())) {
            response.getWriter().print("{\"login\":\"j_security_check\"}\n");
            return;
        }
        HttpSession session = Switches.noCookie ? null : request.getSession();
        StringBuilder page = new StringBuilder("{");
        for (String about : new String[] {"member", "cluster", "cloneId"}) {
            add(page, about, System.getProperty("lab." + about));
        }
        add(page, "session", session == null ? null : session.getId());
        add(page, "user", request.getRemoteUser());
        add(page, "path", request.getRequestURI().split(";", 2)[0]);
        if (application != null) {
            add(page, "application", application);
            add(page, "level", level);
        }
        page.append("\"hits\":").append(session == null ? "null" : String.valueOf(hit(session))).append("}\n");
        response.getWriter().print(page);
    }

    private static void pause(int milliseconds) throws IOException {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException stopped) {
            throw new IOException(stopped);
        }
    }

    private static int hit(HttpSession session) {
        synchronized (session) {
            Integer before = (Integer) session.getAttribute("hits");
            int hits = before == null ? 1 : before + 1;
            session.setAttribute("hits", hits);
            return hits;
        }
    }

    private static void add(StringBuilder page, String name, String value) {
        page.append('"').append(name).append("\":");
        if (value == null) page.append("null");
        else page.append('"').append(value.replaceAll("[\\\\\"\\p{Cntrl}]", "_")).append('"');
        page.append(',');
    }
}
