package lab;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/**
 * What the lab asks of a server: PUT /?slow=MS&amp;error=STATUS&amp;noCookie=true|false sets the switches, PUT /stop/NAME and
 * PUT /start/NAME stop and start an application, by the server's own MBean, and answer when it is done.
 */
public final class Administration extends HttpServlet {
    private static final int POLL_MS = 20;
    private static final int LIMIT_MS = 60_000;

    @Override
    protected void doPut(HttpServletRequest request, HttpServletResponse response) throws ServletException, IOException {
        String[] words = String.valueOf(request.getPathInfo()).split("/");
        if (words.length == 3) {
            change(words[1], words[2]);
            return;
        }
        Switches.slow = Integer.parseInt(request.getParameter("slow"));
        Switches.error = Integer.parseInt(request.getParameter("error"));
        Switches.noCookie = Boolean.parseBoolean(request.getParameter("noCookie"));
    }

    private static void change(String verb, String application) throws ServletException {
        String wanted = "stop".equals(verb) ? "STOPPED" : "STARTED";
        MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
        try {
            ObjectName bean =
                new ObjectName("WebSphere:service=com.ibm.websphere.application.ApplicationMBean,name=" + application);
            if (!wanted.equals(beans.getAttribute(bean, "State"))) beans.invoke(bean, verb, null, null);
            long end = System.currentTimeMillis() + LIMIT_MS;
            while (!wanted.equals(beans.getAttribute(bean, "State"))) {
                if (System.currentTimeMillis() > end) throw new ServletException(application + " is not " + wanted);
                Thread.sleep(POLL_MS);
            }
        } catch (JMException | InterruptedException cause) {
            throw new ServletException(cause);
        }
    }
}
