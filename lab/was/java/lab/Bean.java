package lab;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import javax.management.Attribute;
import javax.management.AttributeList;
import javax.management.AttributeNotFoundException;
import javax.management.DynamicMBean;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanException;
import javax.management.MBeanInfo;
import javax.management.MBeanOperationInfo;
import javax.management.MBeanParameterInfo;
import javax.management.ReflectionException;

/** An MBean of text attributes and operations, put together where it is registered. */
final class Bean implements DynamicMBean {
    interface Operation {
        Object run(String[] arguments) throws Exception;
    }

    private final Map<String, Callable<Object>> readers = new LinkedHashMap<>();
    private final Map<String, Operation> writers = new LinkedHashMap<>();
    /** By name and number of arguments. */
    private final Map<String, Operation> operations = new LinkedHashMap<>();

    Bean attribute(String name, Callable<Object> reader) {
        readers.put(name, reader);
        return this;
    }

    Bean writable(String name, Operation writer) {
        writers.put(name, writer);
        return this;
    }

    Bean operation(String name, int arguments, Operation operation) {
        operations.put(name + "/" + arguments, operation);
        return this;
    }

    @Override
    public Object getAttribute(String name) throws AttributeNotFoundException, MBeanException {
        Callable<Object> reader = readers.get(name);
        if (reader == null) throw new AttributeNotFoundException(name);
        try {
            return String.valueOf(reader.call());
        } catch (Exception error) {
            throw new MBeanException(error);
        }
    }

    @Override
    public void setAttribute(Attribute attribute) throws AttributeNotFoundException, MBeanException {
        Operation writer = writers.get(attribute.getName());
        if (writer == null) throw new AttributeNotFoundException(attribute.getName());
        run(writer, new Object[] {attribute.getValue()});
    }

    @Override
    public AttributeList getAttributes(String[] names) {
        return new AttributeList();
    }

    @Override
    public AttributeList setAttributes(AttributeList attributes) {
        return new AttributeList();
    }

    @Override
    public Object invoke(String name, Object[] arguments, String[] signature) throws MBeanException, ReflectionException {
        Operation operation = operations.get(name + "/" + arguments.length);
        if (operation == null) throw new ReflectionException(new NoSuchMethodException(name));
        return run(operation, arguments);
    }

    private static Object run(Operation operation, Object[] arguments) throws MBeanException {
        String[] texts = new String[arguments.length];
        for (int i = 0; i < texts.length; i++) texts[i] = String.valueOf(arguments[i]);
        try {
            return operation.run(texts);
        } catch (Exception error) {
            throw new MBeanException(error);
        }
    }

    @Override
    public MBeanInfo getMBeanInfo() {
        String text = String.class.getName();
        MBeanAttributeInfo[] attributes = readers.keySet().stream()
            .map(name -> new MBeanAttributeInfo(name, text, name, true, writers.containsKey(name), false))
            .toArray(MBeanAttributeInfo[]::new);
        MBeanOperationInfo[] infos = operations.keySet().stream().map(key -> {
            String[] parts = key.split("/");
            MBeanParameterInfo[] parameters = new MBeanParameterInfo[Integer.parseInt(parts[1])];
            for (int i = 0; i < parameters.length; i++) parameters[i] = new MBeanParameterInfo("p" + i, text, "");
            return new MBeanOperationInfo(parts[0], parts[0], parameters, text, MBeanOperationInfo.UNKNOWN);
        }).toArray(MBeanOperationInfo[]::new);
        return new MBeanInfo(Bean.class.getName(), "laboratory", attributes, null, infos, null);
    }
}
