# The web server plug-in's configuration. Request: action, and
#   settings:             change.N = node <tab> web server <tab> PluginGeneration <tab> PluginPropagation ("" = as it is)
#   generate | propagate: node, server, configuration (the deployment manager's config folder)


def perform(request):
    action = request.getProperty('action')
    if action == 'settings': return change_settings(many(request, 'change'))
    node = request.getProperty('node')
    server = request.getProperty('server')
    require_server(node, server)
    generator = mbean('type=PluginCfgGenerator')
    if generator == '': raise Problem('missing', 'the deployment manager offers no PluginCfgGenerator')
    words = [quote(request.getProperty('configuration')), AdminControl.getCell(), node, server]
    if action == 'generate': AdminControl.invoke(generator, 'generate', ' '.join(words + ['false']))
    elif action == 'propagate': AdminControl.invoke(generator, 'propagate', ' '.join(words))
    else: raise Problem('invalid', 'action ' + action)
    return {}


def quote(path):
    """Of an operation's arguments one with a blank in it stands in double quotes."""
    if path.find('"') >= 0: raise Problem('invalid', 'a quotation mark in ' + path)
    if path.find(' ') < 0: return path
    return '"' + path + '"'


def change_settings(changes):
    changed = 0
    for change in changes:
        node, server, generation, propagation = change.split('\t')
        found = find(node, server)
        attributes = []
        if generation not in ['', found['generation']]: attributes.append(['PluginGeneration', generation])
        if propagation not in ['', found['propagation']]: attributes.append(['PluginPropagation', propagation])
        if len(attributes) == 0: continue
        AdminConfig.modify(found['id'], attributes)
        changed = 1
    if changed: AdminConfig.save()
    found = plugin_settings()
    for one in found: del one['id']
    return found


def find(node, server):
    for one in plugin_settings():
        if one['node'] == node and one['webServer'] == server: return one
    raise Problem('missing', 'the cell has no web server ' + server + ' on a node ' + node)


answer(perform)
