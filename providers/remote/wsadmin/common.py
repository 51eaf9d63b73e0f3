# Runs inside wsadmin, in front of one of the scripts beside it. Valid in Jython 2.1 and 2.7: no True, no "k in dict", no
# closures, no conditional expressions, of the libraries only sys and Java.
#
# A script defines perform(request) and ends with answer(perform). What it tells is one line on standard output:
# @@<nonce>@@{"ok":"yes","value":...}@@<nonce>@@ or {"ok":"no","kind":...,"error":...}. Exit codes mean nothing.
import sys
from java.io import FileInputStream
from java.lang import System, Thread
from java.util import Properties


class Problem(Exception):
    """What a script finds wrong itself. kind: missing | no-agent | wrong-cell | no-effect | invalid."""

    def __init__(self, kind, text):
        self.kind = kind
        self.text = text


# The answer


def encode(value):
    if value is None: return 'null'
    kind = type(value)
    if kind == type('') or kind == type(u''): return encode_text(value)
    if kind == type(1) or kind == type(1L): return '%d' % value
    if kind == type([]) or kind == type(()): return '[' + ','.join(map(encode, value)) + ']'
    if kind == type({}):
        keys = value.keys()
        keys.sort()
        parts = []
        for key in keys: parts.append(encode_text(key) + ':' + encode(value[key]))
        return '{' + ','.join(parts) + '}'
    return encode_text(text_of(value))


def encode_text(text):
    out = ['"']
    for char in text:
        code = ord(char)
        if char == '"' or char == '\\': out.append('\\' + char)
        elif code > 0xFFFF:
            # One character to 2.7, two to 2.1.
            rest = code - 0x10000
            out.append('\\u%04x\\u%04x' % (0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF)))
        elif code < 32 or code > 126: out.append('\\u%04x' % code)
        else: out.append(char)
    out.append('"')
    return ''.join(out)


def text_of(value):
    if value is None: return ''
    kind = type(value)
    if kind == type('') or kind == type(u''): return value
    try:
        return value.toString()
    except:
        return str(value)


def current_error():
    kind, value = sys.exc_info()[:2]
    return kind.__name__ + ': ' + text_of(value)


def answer(perform):
    request = Properties()
    stream = FileInputStream(sys.argv[-1])
    request.load(stream)
    stream.close()
    try:
        check_cell(request)
        outcome = {'ok': 'yes', 'value': perform(request)}
        # Where the connection went away in the middle, everything that was asked since looks absent.
        check_cell(request)
    except Problem, problem:
        outcome = {'ok': 'no', 'kind': problem.kind, 'error': problem.text}
    except:
        outcome = {'ok': 'no', 'kind': 'failed', 'error': current_error()}
    forget_changes()
    mark = '@@' + request.getProperty('nonce') + '@@'
    print mark + encode(outcome) + mark


def check_cell(request):
    wanted = request.getProperty('cell')
    found = AdminControl.getCell()
    if wanted is not None and wanted != found:
        raise Problem('wrong-cell', 'this deployment manager manages the cell ' + found)


def forget_changes():
    try:
        if text_of(AdminConfig.hasChanges()) in ['1', 'true']: AdminConfig.reset()
    except:
        # The connection may be gone; then nothing is saved either.
        pass


# Requests


def many(request, name):
    found = []
    value = request.getProperty(name + '.0')
    while value is not None:
        found.append(value)
        value = request.getProperty('%s.%d' % (name, len(found)))
    return found


def deadline_of(request):
    return System.currentTimeMillis() + 1000 * int(request.getProperty('seconds'))


def wait_a_little(deadline):
    """Whether there was time left to wait."""
    left = deadline - System.currentTimeMillis()
    if left <= 0: return 0
    Thread.sleep(min(left, 1000))
    return 1


# The configuration


def lines(text):
    found = []
    for line in text_of(text).splitlines():
        if line.strip() != '': found.append(line.strip())
    return found


def attribute(config_id, name):
    value = text_of(AdminConfig.showAttribute(config_id, name))
    if value == 'None': return ''
    return value


def members(text):
    """The ids in '[id id]'; one with a blank in it stands in double quotes, and is passed on with them."""
    found = []
    current = ''
    quoted = 0
    text = text_of(text).strip()
    if text[:1] == '[': text = text[1:-1]
    for char in text:
        if char == '"': quoted = not quoted
        if char != ' ' or quoted: current = current + char
        elif current != '':
            found.append(current)
            current = ''
    if current != '': found.append(current)
    return found


def place(config_id):
    """'web1(cells/c/nodes/n/servers/s|server.xml#X_1)' -> {'cells': 'c', 'nodes': 'n', 'servers': 's'}"""
    found = {}
    start = config_id.rfind('(')
    end = config_id.rfind('|')
    if start < 0 or end < start: return found
    parts = config_id[start + 1:end].split('/')
    for index in range(0, len(parts) - 1, 2): found[parts[index]] = parts[index + 1]
    return found


def server_entries():
    """[node, server, type, id] of every server of the cell, web servers included."""
    found = []
    for entry in lines(AdminConfig.list('ServerEntry')):
        found.append([place(entry).get('nodes', ''), attribute(entry, 'serverName'), attribute(entry, 'serverType'), entry])
    found.sort()
    return found


def require_server(node, server):
    for entry in server_entries():
        if entry[0] == node and entry[1] == server: return
    raise Problem('missing', 'the cell has no server ' + server + ' on a node ' + node)


def require_node(node):
    for config_id in lines(AdminConfig.list('Node')):
        if attribute(config_id, 'name') == node: return
    raise Problem('missing', 'the cell has no node ' + node)


# The running system


def mbean(query):
    found = lines(AdminControl.queryNames(query + ',*'))
    if len(found) == 0: return ''
    return found[0]


def running_attribute(name, wanted):
    """'' where it cannot be had: many attributes depend on the product's version."""
    try:
        return text_of(AdminControl.getAttribute(name, wanted))
    except:
        return ''


def yes_or_no(text):
    text = text_of(text).strip().lower()
    if text in ['true', '1']: return 'yes'
    if text in ['false', '0']: return 'no'
    return 'unknown'


def has_agent(node):
    return mbean('type=NodeAgent,node=' + node) != ''


def require_agent(node):
    require_node(node)
    if not has_agent(node):
        raise Problem('no-agent', 'the node agent of ' + node + ' cannot be reached from the deployment manager')


SERVER_STATES = {'STARTED': 'started', 'STARTING': 'starting', 'STOPPING': 'stopping', 'STOPPED': 'stopped'}


def server_state(node, server):
    name = mbean('type=Server,node=' + node + ',name=' + server)
    if name != '': return SERVER_STATES.get(running_attribute(name, 'state'), 'unknown')
    # Without the agent the deployment manager sees none of the node's servers, running or not.
    if has_agent(node): return 'stopped'
    return 'unknown'


def plugin_settings():
    found = []
    for config_id in lines(AdminConfig.list('PluginProperties')):
        where = place(config_id)
        if not where.has_key('servers'): continue
        found.append({
            'node': where['nodes'],
            'webServer': where['servers'],
            'generation': attribute(config_id, 'PluginGeneration'),
            'propagation': attribute(config_id, 'PluginPropagation'),
            'remoteFile': attribute(config_id, 'RemoteConfigFilename'),
            'id': config_id,
        })
    return found
