import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.server.FifoMemoryPagingProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import java.net.InetSocketAddress;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.hl7.fhir.r4.model.Practitioner;
import org.hl7.fhir.r4.model.PractitionerRole;

/** HAPI's own server with practitioners and their roles in memory: `java Directory PORT`, base address /fhir. */
public class Directory {
    public static void main(String[] arguments) throws Exception {
        FhirContext context = FhirContext.forR4();
        RestfulServer rest = new RestfulServer(context);
        rest.setResourceProviders(new Kept<>(Practitioner.class), new Kept<>(PractitionerRole.class));
        FifoMemoryPagingProvider pages = new FifoMemoryPagingProvider(100);
        pages.setMaximumPageSize(50);
        rest.setPagingProvider(pages);

        ServletContextHandler handler = new ServletContextHandler();
        handler.addServlet(new ServletHolder(rest), "/fhir/*");
        Server server = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])));
        server.setHandler(handler);
        server.start();
        server.join();
    }
}
