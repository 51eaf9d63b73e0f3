# A stand-in of wsadmin's AdminConfig, AdminControl, AdminApp and AdminTask for a small cell: two nodes, the deployment
# manager's and a web server's. Its texts have the shapes that the product documents; it proves our scripts, not the product.
# Valid in Jython 2.1 and 2.7. The name of the case decides what is odd about the cell.

CHANGES = []
PLAIN = boot_name.split('/')[0]


class Refused(Exception):
    pass


def cell_place(node, server):
    found = 'cells/cell01'
    if node: found = found + '/nodes/' + node
    if server: found = found + '/servers/' + server
    return found


SERVERS = [
    ['dmgrNode', 'dmgr', 'DEPLOYMENT_MANAGER', [['SOAP_CONNECTOR_ADDRESS', 'dmgr.example.org', '8879']]],
    ['node01', 'nodeagent', 'NODE_AGENT', [['SOAP_CONNECTOR_ADDRESS', 'node1.example.org', '8878']]],
    ['node01', 'Apps_server1', 'APPLICATION_SERVER', [['WC_defaulthost', '*', '9080'], ['DRS_CLIENT_ADDRESS', 'x', '1']]],
    ['node10', 'nodeagent', 'NODE_AGENT', [['SOAP_CONNECTOR_ADDRESS', 'node10.example.org', '8878']]],
    ['node10', 'Apps_server1', 'APPLICATION_SERVER', [['WC_defaulthost', '*', '9080']]],
    ['node10', 'ccm', 'APPLICATION_SERVER', [['WC_defaulthost', '*', '9085']]],
    ['ihsNode', 'webserver1', 'WEB_SERVER', [['WEBSERVER_ADDRESS', '*', '80']]],
]
# id -> attributes, in the order of the configuration
OBJECTS = {}
ORDER = []


def add(kind, name, where, document, attributes):
    config_id = '%s(%s|%s#%s_%d)' % (name, where, document, kind, len(ORDER) + 1)
    if config_id.find(' ') >= 0: config_id = '"' + config_id + '"'
    OBJECTS[config_id] = attributes
    ORDER.append([kind, config_id])
    return config_id


for one_node, one_host in [['dmgrNode', 'dmgr.example.org'], ['node01', 'node1.example.org'],
                           ['node10', 'node10.example.org'], ['ihsNode', 'web1.example.org']]:
    add('Node', one_node, cell_place(one_node, ''), 'node.xml', {'name': one_node, 'hostName': one_host})
for one_node, one_server, one_type, one_ports in SERVERS:
    ends = []
    for port_name, port_host, port_number in one_ports:
        end = add('EndPoint', '', cell_place(one_node, ''), 'serverindex.xml', {'host': port_host, 'port': port_number})
        ends.append(add('NamedEndPoint', '', cell_place(one_node, ''), 'serverindex.xml',
                        {'endPointName': port_name, 'endPoint': end}))
    add('ServerEntry', one_server, cell_place(one_node, ''), 'serverindex.xml',
        {'serverName': one_server, 'serverType': one_type, 'specialEndpoints': '[' + ' '.join(ends) + ']'})
    if one_type == 'APPLICATION_SERVER':
        add('MonitoringPolicy', '', cell_place(one_node, one_server), 'server.xml',
            {'nodeRestartState': 'STOPPED', 'autoRestart': 'true'})
APPS = add('ServerCluster', 'AppsCluster', 'cells/cell01/clusters/AppsCluster', 'cluster.xml', {'name': 'AppsCluster'})
for one_node, one_id in [['node01', '1289391827364'], ['node10', '1289391827999']]:
    add('ClusterMember', 'Apps_server1', 'cells/cell01/clusters/AppsCluster', 'cluster.xml',
        {'nodeName': one_node, 'memberName': 'Apps_server1', 'uniqueId': one_id, 'weight': '2', 'of': APPS})
for one_scope, one_name, one_value in [
    ['cells/cell01', 'CONNECTIONS_HOME', '/opt/IBM/Connections'],
    ['cells/cell01/nodes/node01', 'USER_INSTALL_ROOT', '/opt/IBM/WebSphere/AppServer/profiles/AppSrv01'],
    ['cells/cell01/nodes/node01', 'WAS_TEMP_DIR', '${USER_INSTALL_ROOT}/temp'],
    ['cells/cell01/nodes/node10', 'USER_INSTALL_ROOT', u'/opt/IBM/W\u00fcrfel "x"\\y/\u20ac'],
    ['cells/cell01/nodes/node01/servers/Apps_server1', 'ONLY_HERE', None],
    ['cells/cell01/clusters/AppsCluster', 'OF_CLUSTER', 'a\tb'],
]:
    add('VariableSubstitutionEntry', '', one_scope, 'variables.xml', {'symbolicName': one_name, 'value': one_value})
PLUGIN = add('PluginProperties', '', cell_place('ihsNode', 'webserver1'), 'server.xml', {
    'PluginGeneration': 'AUTOMATIC', 'PluginPropagation': 'AUTOMATIC',
    'RemoteConfigFilename': '/opt/IBM/WebSphere/Plugins/config/webserver1/plugin-cfg.xml'})
TIMEOUT = add('Property', 'requestTimeout', cell_place('dmgrNode', 'dmgr'), 'server.xml',
              {'name': 'requestTimeout', 'value': '600'})
OTHER = add('Property', 'a name', cell_place('dmgrNode', 'dmgr'), 'server.xml', {'name': 'a name', 'value': '1'})
add('SOAPConnector', '', cell_place('node01', 'nodeagent'), 'server.xml', {'properties': '[]'})
add('SOAPConnector', '', cell_place('dmgrNode', 'dmgr'), 'server.xml', {'properties': '[' + OTHER + ' ' + TIMEOUT + ']'})
SCHEDULE = add('WSSchedule', 'LTPAKeySetSchedule', 'cells/cell01', 'security.xml', {'nextStartDate': '1799999999000'})
add('KeySetGroup', 'CellLTPAKeySetGroup', 'cells/cell01', 'security.xml',
    {'name': 'CellLTPAKeySetGroup', 'autoGenerate': 'true', 'wsSchedule': SCHEDULE})


class StubConfig:
    def __init__(self): self.unsaved = 0

    def list(self, kind, scope=''):
        found = []
        for one_kind, config_id in ORDER:
            if one_kind == kind and (scope == '' or OBJECTS[config_id].get('of') == scope): found.append(config_id)
        return '\n'.join(found)

    def showAttribute(self, config_id, name): return OBJECTS[config_id].get(name)

    def modify(self, config_id, attributes):
        for name, value in attributes:
            OBJECTS[config_id][name] = value
            CHANGES.append('modify ' + name + '=' + value)
        self.unsaved = 1
        if PLAIN == 'failing-change': raise Refused('WASX7017E: stub')

    def hasChanges(self): return self.unsaved

    def save(self):
        CHANGES.append('save')
        self.unsaved = 0

    def reset(self):
        CHANGES.append('reset')
        self.unsaved = 0


class StubCount:
    def __init__(self, value): self.value = value

    def getCurrent(self): return self.value


class StubStats:
    """Of one web module, as the product's Stats: what is not counted has no statistic."""

    def __init__(self, counts): self.counts = counts

    def getStatistic(self, name):
        if self.counts.has_key(name): return StubCount(self.counts[name])
        return None


SESSIONS = {'Activities#activities.war': {'LiveCount': 12L, 'ActiveCount': 1L}, 'Blogs#blogs.war': {'LiveCount': 30L, 'ActiveCount': 0L}}
if PLAIN == 'pmi-off': SESSIONS['Blogs#blogs.war'] = {}


class StubControl:
    def __init__(self):
        self.states = {'node01/Apps_server1': 'STARTED', 'node10/Apps_server1': 'STOPPED', 'node10/ccm': 'FAILED'}
        self.agents = ['node01', 'node10']
        self.synchronized = {'node01': 'true', 'node10': 'false'}
        if PLAIN == 'agent-down': self.agents = ['node01']

    def getCell(self):
        if PLAIN == 'lost': raise Refused('ADMC0009E: The system failed to make the SOAP RPC call: stub')
        return 'cell01'

    def queryNames(self, query):
        wanted = {}
        for part in query.split(','):
            if part != '*':
                name, value = part.split('=')
                wanted[name] = value
        found = []
        for one in self.mbeans():
            fits = 1
            for name in wanted.keys():
                if one.get(name) != wanted[name]: fits = 0
            if fits: found.append('WebSphere:' + ','.join(map(lambda pair: pair[0] + '=' + pair[1], self.items(one))))
        return '\n'.join(found)

    def items(self, one):
        names = one.keys()
        names.sort()
        return map(lambda name, one=one: [name, one[name]], names)

    def mbeans(self):
        found = [{'type': 'PluginCfgGenerator', 'name': 'PluginCfgGenerator'}]
        for node in self.agents:
            for kind in ['NodeAgent', 'NodeSync', 'ConfigRepository']:
                found.append({'type': kind, 'node': node, 'process': 'nodeagent', 'name': kind})
        for key in self.states.keys():
            node, server = key.split('/')
            if node in self.agents and self.states[key] != 'STOPPED':
                found.append({'type': 'Server', 'node': node, 'name': server, 'process': server})
        found.append({'type': 'Cluster', 'name': 'AppsCluster'})
        for module in SESSIONS.keys():
            found.append({'type': 'SessionManager', 'node': 'node01', 'process': 'Apps_server1', 'name': module})
        return found

    def makeObjectName(self, text): return ['ObjectName', text]

    def getAttribute_jmx(self, name, attribute):
        kind, text = name
        if attribute != 'stats': raise Refused('ADMC0014E: no attribute ' + attribute)
        for module in SESSIONS.keys():
            if text.find('name=' + module + ',') >= 0: return StubStats(SESSIONS[module])
        return None

    def node_of(self, name):
        for part in name.split(':')[1].split(','):
            if part.split('=')[0] == 'node': return part.split('=')[1]

    def getAttribute(self, name, attribute):
        if name.find('type=Cluster') >= 0: return 'websphere.cluster.partial.start'
        if attribute == 'autoSyncEnabled': return 'true'
        for part in name.split(','):
            if part.split('=')[0] in ['name', 'WebSphere:name']: server = part.split('=')[1]
        if attribute == 'state': return self.states[self.node_of(name) + '/' + server]
        if attribute == 'pid': return '4711'
        raise Refused('ADMC0014E: no attribute ' + attribute)

    def setAttribute(self, name, attribute, value): CHANGES.append(self.node_of(name) + ' ' + attribute + '=' + value)

    def invoke(self, name, operation, arguments=''):
        node = self.node_of(name)
        if operation == 'isNodeSynchronized': return self.synchronized[node]
        CHANGES.append('%s %s %s' % (node, operation, arguments))
        if operation == 'sync' and PLAIN != 'sync-fails': self.synchronized[node] = 'true'
        return 'true'

    def startServer(self, server, node, seconds):
        CHANGES.append('start ' + node + '/' + server + ' ' + seconds)
        if PLAIN == 'start-fails': raise Refused('ADMN0022E: Access is denied for the launchProcess operation: stub')
        self.states[node + '/' + server] = 'STARTED'
        return 'WASX7262I: Start completed for server "' + server + '" on node "' + node + '"'

    def stopServer(self, server, node, how=''):
        CHANGES.append('stop ' + node + '/' + server + ' ' + how)
        self.states[node + '/' + server] = 'STOPPED'
        return 'WASX7337I: Invoked stop for server "' + server + '" Waiting for stop completion.'


class StubApp:
    def list(self, target=''):
        if target == '': return 'Activities\nBlogs\nFileNet Engine'
        if target == 'WebSphere:cell=cell01,cluster=AppsCluster': return 'Activities\nBlogs'
        if target == 'WebSphere:cell=cell01,node=node10,server=ccm': return 'FileNet Engine'
        if target == 'WebSphere:cell=cell01,node=ihsNode,server=webserver1': return 'Activities\nBlogs\nFileNet Engine'
        raise Refused('WASX7111E: stub: no target ' + target)

    def isAppReady(self, name):
        if name == 'Blogs': return 'false'
        return 'true'

    def getDeployStatus(self, name):
        if PLAIN == 'no-status' and name == 'Activities': raise Refused('ADMA0000E: stub')
        second = 'true'
        if name == 'Blogs': second = 'false'
        return '\n'.join(['ADMA5071I: Distribution status check started for application %s.' % name,
                          'WebSphere:cell=cell01,node=node01,distribution=true',
                          'WebSphere:cell=cell01,node=node10,distribution=%s,expansion=unknown' % second,
                          'ADMA5072I: Distribution status check completed for application %s.' % name])


AdminConfig = StubConfig()
AdminControl = StubControl()
AdminApp = StubApp()
