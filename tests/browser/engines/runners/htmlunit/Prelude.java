import com.gargoylesoftware.htmlunit.WebClient;
import com.gargoylesoftware.htmlunit.WebRequest;
import com.gargoylesoftware.htmlunit.WebResponse;
import com.gargoylesoftware.htmlunit.WebResponseData;
import com.gargoylesoftware.htmlunit.util.NameValuePair;
import com.gargoylesoftware.htmlunit.util.WebConnectionWrapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Puts a script in front of all others into every page that is loaded: HtmlUnit has no hook for that. */
final class Prelude extends WebConnectionWrapper {
    private static final Pattern FRONT = Pattern.compile("(?is)<head[^>]*>|<!doctype[^>]*>");

    private final String script;

    Prelude(WebClient client, String script) {
        super(client);
        this.script = script;
    }

    @Override
    public WebResponse getResponse(WebRequest request) throws IOException {
        WebResponse response = super.getResponse(request);
        return "text/html".equals(response.getContentType()) ? inserted(request, response) : response;
    }

    private WebResponse inserted(WebRequest request, WebResponse response) {
        String page = response.getContentAsString("UTF-8");
        Matcher matcher = FRONT.matcher(page);
        int at = 0;
        while (matcher.find()) {
            at = matcher.end();
        }
        String changed = page.substring(0, at) + "<script>" + script + "</script>" + page.substring(at);
        byte[] body = changed.getBytes(StandardCharsets.UTF_8);
        List<NameValuePair> headers = new ArrayList<>(response.getResponseHeaders());
        headers.removeIf(header -> header.getName().matches("(?i)content-(encoding|length)"));
        WebResponseData data =
            new WebResponseData(body, response.getStatusCode(), response.getStatusMessage(), headers);
        return new WebResponse(data, request, response.getLoadTime());
    }
}
