import ca.uhn.fhir.model.api.ResourceMetadataKeyEnum;
import ca.uhn.fhir.model.valueset.BundleEntryTransactionMethodEnum;
import ca.uhn.fhir.rest.annotation.Create;
import ca.uhn.fhir.rest.annotation.Delete;
import ca.uhn.fhir.rest.annotation.History;
import ca.uhn.fhir.rest.annotation.IdParam;
import ca.uhn.fhir.rest.annotation.Operation;
import ca.uhn.fhir.rest.annotation.OptionalParam;
import ca.uhn.fhir.rest.annotation.Read;
import ca.uhn.fhir.rest.annotation.ResourceParam;
import ca.uhn.fhir.rest.annotation.Search;
import ca.uhn.fhir.rest.annotation.Since;
import ca.uhn.fhir.rest.annotation.Update;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.param.DateRangeParam;
import ca.uhn.fhir.rest.server.IResourceProvider;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.InstantType;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Resource;

/** One resource type in memory with every version; HAPI's own provider for this knows neither `_since` nor `_lastUpdated`. */
public class Kept<T extends Resource> implements IResourceProvider {
    private final Class<T> type;
    private final Map<String, T> current = new LinkedHashMap<>();
    private final List<T> versions = new ArrayList<>();
    private int created = 0;

    public Kept(Class<T> type) {
        this.type = type;
    }

    @Override
    public Class<T> getResourceType() {
        return type;
    }

    @Create
    public synchronized MethodOutcome create(@ResourceParam T resource) {
        return keep("created-" + ++created, resource, BundleEntryTransactionMethodEnum.POST);
    }

    @Update
    public synchronized MethodOutcome update(@IdParam IdType id, @ResourceParam T resource) {
        return keep(id.getIdPart(), resource, BundleEntryTransactionMethodEnum.PUT);
    }

    @Delete
    public synchronized MethodOutcome delete(@IdParam IdType id) throws ReflectiveOperationException {
        read(id);
        T tombstone = type.getDeclaredConstructor().newInstance();
        ResourceMetadataKeyEnum.DELETED_AT.put(tombstone, new InstantType(new Date()));
        return keep(id.getIdPart(), tombstone, BundleEntryTransactionMethodEnum.DELETE);
    }

    @Read
    public synchronized T read(@IdParam IdType id) {
        T found = current.get(id.getIdPart());
        if (found == null) {
            throw new ResourceNotFoundException(id);
        }
        return found;
    }

    @Search
    public synchronized List<T> search(@OptionalParam(name = "_lastUpdated") DateRangeParam changed) {
        Date after = changed == null ? null : changed.getLowerBoundAsInstant();
        return current.values().stream().filter(kept -> !before(kept, after)).toList();
    }

    @History
    public synchronized List<T> history(@Since InstantType since) {
        Date after = since == null ? null : since.getValue();
        List<T> found = new ArrayList<>(versions.stream().filter(kept -> !before(kept, after)).toList());
        Collections.reverse(found);
        return found;
    }

    /** Forgets everything, as other servers offer it to their operators under this name. */
    @Operation(name = "$expunge")
    public synchronized Parameters expunge() {
        current.clear();
        versions.clear();
        return new Parameters();
    }

    private static boolean before(Resource kept, Date moment) {
        return moment != null && kept.getMeta().getLastUpdated().before(moment);
    }

    private MethodOutcome keep(String id, T resource, BundleEntryTransactionMethodEnum method) {
        long version = 1 + versions.stream().filter(kept -> kept.getIdElement().getIdPart().equals(id)).count();
        resource.setId(new IdType(type.getSimpleName(), id, String.valueOf(version)));
        resource.getMeta().setVersionId(String.valueOf(version)).setLastUpdated(new Date());
        ResourceMetadataKeyEnum.ENTRY_TRANSACTION_METHOD.put(resource, method);
        versions.add(resource);
        if (method == BundleEntryTransactionMethodEnum.DELETE) {
            current.remove(id);
        } else {
            current.put(id, resource);
        }
        return new MethodOutcome(resource.getIdElement(), version == 1).setResource(resource);
    }
}
