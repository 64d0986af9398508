import { contextBridge, ipcRenderer } from 'electron'
import { channels, type PageApi, type View } from './contract.ts'

const api: PageApi = {
  view: () => ipcRenderer.invoke(channels.view),
  onView: (listener) => void ipcRenderer.on(channels.changed, (_event, view: View) => listener(view)),
  call: (name, args) => ipcRenderer.invoke(channels.call, name, args),
}
contextBridge.exposeInMainWorld('sgSession', api)
