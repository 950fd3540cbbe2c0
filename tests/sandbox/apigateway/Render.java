import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

/**
 * Renders API Gateway's mapping templates with Apache Velocity, which is the engine that API Gateway's documentation
 * names. Each line of the standard input is one request: template, body, headers and stage variables, as Base64 texts
 * with blanks between them; the last two are names and values by turns, with line breaks between them. Each line of the
 * standard output is the rendered body and the overridden headers of the request in the same form.
 */
public class Render {
    public static class Input {
        private final Map<String, String> headers;
        public final String body;

        Input(String body, Map<String, String> headers) {
            this.body = body;
            this.headers = headers;
        }

        public String getBody() {
            return body;
        }

        public Map<String, Object> params() {
            Map<String, Object> kinds = new LinkedHashMap<>();
            kinds.put("header", headers);
            return kinds;
        }
    }

    public static void main(String[] arguments) throws Exception {
        VelocityEngine engine = new VelocityEngine();
        engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
        engine.setProperty("parser.allow_hyphen_in_identifiers", "true"); // Velocity 2; Velocity 1 always allows it
        engine.init();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] parts = line.split(" ", -1);
            Map<String, String> overridden = new LinkedHashMap<>();
            String body = rendered(engine, text(parts[0]), text(parts[1]), map(parts[2]), map(parts[3]), overridden);
            System.out.println(encoded(body) + " " + encoded(written(overridden)));
        }
    }

    private static String rendered(VelocityEngine engine, String template, String body, Map<String, String> headers,
            Map<String, String> variables, Map<String, String> overridden) {
        VelocityContext context = new VelocityContext();
        context.put("input", new Input(body, headers));
        context.put("stageVariables", variables);
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("header", overridden);
        Map<String, Object> gateway = new LinkedHashMap<>();
        gateway.put("requestOverride", request);
        context.put("context", gateway);
        StringWriter out = new StringWriter();
        engine.evaluate(context, out, "template", template);
        return out.toString();
    }

    private static Map<String, String> map(String encoded) {
        Map<String, String> found = new LinkedHashMap<>();
        String[] lines = text(encoded).split("\n", -1);
        for (int index = 0; index + 1 < lines.length; index += 2) {
            found.put(lines[index], lines[index + 1]);
        }
        return found;
    }

    private static String written(Map<String, String> map) {
        StringBuilder lines = new StringBuilder();
        map.forEach((name, value) -> lines.append(name).append('\n').append(value).append('\n'));
        return lines.toString();
    }

    private static String text(String encoded) {
        return new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
