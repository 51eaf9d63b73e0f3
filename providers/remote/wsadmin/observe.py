# Everything that is asked of a cell, in one JVM. Request: want.N = topology | state | settings | distribution. Changes nothing.

# Each question about an application may go to every node's agent: what was not asked by then is not known.
DISTRIBUTION_MS = 30000
ENDPOINTS = ['WC_defaulthost', 'WC_defaulthost_secure', 'SOAP_CONNECTOR_ADDRESS', 'IPC_CONNECTOR_ADDRESS']


def perform(request):
    entries = server_entries()
    found = {'cell': AdminControl.getCell()}
    for want in many(request, 'want'): found[want] = SECTIONS[want](entries)
    return found


def topology(entries):
    nodes = []
    for config_id in lines(AdminConfig.list('Node')):
        nodes.append({'name': attribute(config_id, 'name'), 'hostName': attribute(config_id, 'hostName')})
    servers = []
    for node, server, kind, config_id in entries:
        servers.append({'node': node, 'server': server, 'type': kind, 'endpoints': endpoints(config_id)})
    clusters = []
    for config_id in lines(AdminConfig.list('ServerCluster')):
        clusters.append({'name': attribute(config_id, 'name'), 'members': cluster_members(config_id)})
    return {
        'nodes': nodes,
        'servers': servers,
        'clusters': clusters,
        'targets': targets(entries, clusters),
        'applications': lines(AdminApp.list()),
        'variables': variables(),
    }


def endpoints(server_entry):
    found = {}
    for named in members(AdminConfig.showAttribute(server_entry, 'specialEndpoints')):
        name = attribute(named, 'endPointName')
        if name not in ENDPOINTS: continue
        end = attribute(named, 'endPoint')
        found[name] = {'host': attribute(end, 'host'), 'port': attribute(end, 'port')}
    return found


def cluster_members(cluster):
    found = []
    for config_id in lines(AdminConfig.list('ClusterMember', cluster)):
        found.append({
            'node': attribute(config_id, 'nodeName'),
            'server': attribute(config_id, 'memberName'),
            'uniqueId': attribute(config_id, 'uniqueId'),
            'weight': attribute(config_id, 'weight'),
        })
    return found


def targets(entries, clusters):
    """Which applications are mapped to each cluster, stand-alone server and web server."""
    cell = AdminControl.getCell()
    clustered = {}
    found = []
    for cluster in clusters:
        for member in cluster['members']: clustered[member['node'] + '/' + member['server']] = 1
        applications = lines(AdminApp.list('WebSphere:cell=' + cell + ',cluster=' + cluster['name']))
        found.append({'cluster': cluster['name'], 'applications': applications})
    for node, server, kind, config_id in entries:
        if kind not in ['APPLICATION_SERVER', 'WEB_SERVER'] or clustered.has_key(node + '/' + server): continue
        applications = lines(AdminApp.list('WebSphere:cell=' + cell + ',node=' + node + ',server=' + server))
        found.append({'node': node, 'server': server, 'applications': applications})
    return found


def variables():
    found = []
    for config_id in lines(AdminConfig.list('VariableSubstitutionEntry')):
        where = place(config_id)
        found.append({
            'name': attribute(config_id, 'symbolicName'),
            'value': attribute(config_id, 'value'),
            'node': where.get('nodes', ''),
            'server': where.get('servers', ''),
            'cluster': where.get('clusters', ''),
        })
    return found


def state(entries):
    servers = []
    nodes = []
    for node, server, kind, config_id in entries:
        if kind == 'APPLICATION_SERVER': servers.append(server_status(node, server))
        if kind == 'NODE_AGENT': nodes.append(node_status(node))
    clusters = []
    for config_id in lines(AdminConfig.list('ServerCluster')):
        name = attribute(config_id, 'name')
        running = mbean('type=Cluster,name=' + name)
        status = ''
        if running != '': status = running_attribute(running, 'state')
        clusters.append({'cluster': name, 'state': status})
    return {'servers': servers, 'nodes': nodes, 'clusters': clusters}


def server_status(node, server):
    found = {'node': node, 'server': server, 'state': server_state(node, server)}
    name = mbean('type=Server,node=' + node + ',name=' + server)
    if name != '':
        found['pid'] = running_attribute(name, 'pid')
        found['startTime'] = running_attribute(name, 'startTime')
    return found


def node_status(node):
    found = {'node': node, 'agent': 'unknown', 'synchronized': 'unknown', 'autoSync': 'unknown'}
    if has_agent(node): found['agent'] = 'started'
    sync = mbean('type=NodeSync,node=' + node)
    if sync != '':
        try:
            found['synchronized'] = yes_or_no(AdminControl.invoke(sync, 'isNodeSynchronized'))
        except:
            pass
        found['autoSync'] = yes_or_no(running_attribute(sync, 'autoSyncEnabled'))
    return found


def settings(entries):
    plugin = plugin_settings()
    for one in plugin: del one['id']
    return {
        'plugin': plugin,
        'monitoring': monitoring(entries),
        'requestTimeout': request_timeout(entries),
        'keyGeneration': key_generation(),
    }


def monitoring(entries):
    application_servers = {}
    for node, server, kind, config_id in entries:
        if kind == 'APPLICATION_SERVER': application_servers[node + '/' + server] = 1
    found = []
    for config_id in lines(AdminConfig.list('MonitoringPolicy')):
        where = place(config_id)
        node = where.get('nodes', '')
        server = where.get('servers', '')
        if not application_servers.has_key(node + '/' + server): continue
        found.append({
            'node': node,
            'server': server,
            'nodeRestartState': attribute(config_id, 'nodeRestartState'),
            'autoRestart': yes_or_no(attribute(config_id, 'autoRestart')),
        })
    return found


def request_timeout(entries):
    """Seconds, as text; '' when the deployment manager's SOAP connector does not have it."""
    managers = {}
    for node, server, kind, config_id in entries:
        if kind == 'DEPLOYMENT_MANAGER': managers[node + '/' + server] = 1
    for connector in lines(AdminConfig.list('SOAPConnector')):
        where = place(connector)
        if not managers.has_key(where.get('nodes', '') + '/' + where.get('servers', '')): continue
        for one in members(AdminConfig.showAttribute(connector, 'properties')):
            if attribute(one, 'name') == 'requestTimeout': return attribute(one, 'value')
    return ''


def key_generation():
    found = []
    for group in lines(AdminConfig.list('KeySetGroup')):
        due = ''
        try:
            schedule = attribute(group, 'wsSchedule')
            if schedule != '': due = attribute(schedule, 'nextStartDate')
        except:
            # Not every version keeps the date here; then it is not known.
            pass
        found.append({
            'group': attribute(group, 'name'),
            'automatic': yes_or_no(attribute(group, 'autoGenerate')),
            'due': due,
        })
    return found


def distribution(entries):
    """Of every application of a cluster, in words of AdminApp.getDeployStatus; '' where it was not to be had."""
    limit = System.currentTimeMillis() + DISTRIBUTION_MS
    names = []
    for config_id in lines(AdminConfig.list('ServerCluster')):
        target = 'WebSphere:cell=' + AdminControl.getCell() + ',cluster=' + attribute(config_id, 'name')
        for name in lines(AdminApp.list(target)):
            if name not in names: names.append(name)
    found = []
    for name in names:
        status = ''
        try:
            if System.currentTimeMillis() < limit: status = text_of(AdminApp.getDeployStatus(name))
        except:
            # One application that cannot be asked about hides nothing of the others.
            pass
        found.append({'application': name, 'status': status})
    return found


SECTIONS = {'topology': topology, 'state': state, 'settings': settings, 'distribution': distribution}

answer(perform)
