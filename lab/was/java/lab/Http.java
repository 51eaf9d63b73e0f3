package lab;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** How the deployment manager asks node agents and the web server's administration server. */
final class Http {
    private Http() {}

    static String send(String url, String method, String token, byte[] body, int connectMs, int readMs) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
        connection.setRequestMethod(method);
        connection.setConnectTimeout(connectMs);
        connection.setReadTimeout(readMs);
        connection.setRequestProperty("x-lab-token", token);
        connection.setRequestProperty("Connection", "close");
        if (body != null) {
            connection.setDoOutput(true);
            connection.getOutputStream().write(body);
        }
        if (connection.getResponseCode() != 200) throw new IOException(url + " answered " + connection.getResponseCode());
        try (InputStream answer = connection.getInputStream()) {
            return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
